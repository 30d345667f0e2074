// The public vocabulary of labels and tasks: what a model with a head is taught and asked.
import type { HeadKind, Pooling, ProblemType } from "./config/fields.js";
import type { HashOptions } from "./config/hashing.js";

/** A text with what it is labelled. */
export interface LabelledText {
  readonly text: string;
  /** A label's name or number; several for a multi-label head (none: an empty list); numbers for regression. */
  readonly label: string | number | readonly (string | number)[];
}

/** A question about a text, and where in the text its answer stands; null: it has none. */
export interface AnsweredQuestion {
  readonly question: string;
  readonly context: string;
  /** `start` counts UTF-16 units of the context. */
  readonly answer: { readonly text: string; readonly start: number } | null;
}

/** A text whose hidden tokens are to be found. */
export interface PlainText {
  readonly text: string;
}

/** A text and what it becomes. */
export interface TextPair {
  readonly text: string;
  readonly target: string;
}

/** An example of the model's head: classification, question answering, masked language modelling, sequence to sequence. */
export type Example = LabelledText | AnsweredQuestion | PlainText | TextPair;

/** A new head for the body that a model has. */
export interface HeadOptions {
  readonly head: HeadKind;
  readonly numLabels?: number | undefined;
  readonly labels?: readonly string[] | undefined;
  readonly problemType?: ProblemType | undefined;
  /** What a classifier reads: the first token, as public checkpoints do (default), or the mean of all tokens. */
  readonly classifierPooling?: Pooling | undefined;
  readonly classifierDropout?: number | null | undefined;
  readonly maskTokenId?: number | null | undefined;
  /** Default: true for a language model, false for every other head, which then sees both directions. */
  readonly causal?: boolean | undefined;
  /** Seeds the new head's weights; default 0. */
  readonly seed?: number | undefined;
}

export interface LabelScore {
  readonly label: string;
  /** A probability; of a regression head, the number it predicts. */
  readonly score: number;
}

export interface ClassifyOptions extends HashOptions {
  /** Labels to return, the most probable first; default all. */
  readonly topK?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface Question {
  readonly question: string;
  readonly context: string;
}

export interface AnswerOptions extends HashOptions {
  /** Spans to return, the most probable first; default 1. */
  readonly topK?: number | undefined;
  /** Longest answer, in tokens; default 30 words' worth of bytes: 200. */
  readonly maxAnswerTokens?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A part of the context; `start` and `end` count its UTF-16 units. No answer is the empty text from 0 to 0. */
export interface AnswerSpan {
  readonly text: string;
  /** Probability of the start times that of the end, over all positions. */
  readonly score: number;
  readonly start: number;
  readonly end: number;
}

export interface FillMaskOptions extends HashOptions {
  /** Tokens for each place; default 5. */
  readonly topK?: number | undefined;
  /** What stands for a hidden token in the text; default "[MASK]". */
  readonly mask?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** One candidate for a hidden token. */
export interface MaskFilling {
  readonly token: number;
  readonly text: string;
  readonly score: number;
}

export interface ConvertOptions extends Pick<HashOptions, "numHashes"> {
  /** Longest target, in tokens; default 200, at most the model's positions. */
  readonly maxNewTokens?: number | undefined;
  /** 0 (default): always the most probable token. */
  readonly temperature?: number | undefined;
  /** Only the k most probable tokens; 0 (default) keeps all. */
  readonly topK?: number | undefined;
  /** Only the most probable tokens that together reach this probability; default 1. */
  readonly topP?: number | undefined;
  /** Of sampling, and of hashing unless the configuration fixes it; default the model's. */
  readonly seed?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface EmbedOptions extends HashOptions {
  /** "mean" (default) over all tokens, or the final states of the "first" or the "last" one. */
  readonly pooling?: "mean" | "first" | "last" | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface ScoreOptions extends HashOptions {
  /** Tokens read at once, each predicted from those before it in the same window; default: all the model can. */
  readonly length?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** How surprising a text is to a language model. The first token is given, not predicted. */
export interface TextScore {
  readonly tokens: readonly { readonly text: string; readonly bits: number }[];
  /** Of all tokens together. */
  readonly bits: number;
  /** Per UTF-8 byte of what is predicted. */
  readonly bitsPerByte: number;
}

export interface CoverageOptions extends Pick<HashOptions, "hashing"> {
  /** Tokens of the text, from its start; default 1,024. */
  readonly length?: number | undefined;
  /** Numbers of hashing rounds to compare; default 1, 2, 4 and 8. */
  readonly rounds?: readonly number[] | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What one head's candidates hold of the softmax mass of exact full attention, the same queries and keys given. */
export interface HeadCoverage {
  readonly layer: number;
  readonly kind: "lsh" | "local";
  readonly head: number;
  /** Hashing rounds; 1 for local layers, whose candidates are those of their window. */
  readonly rounds: number;
  /** Mean share over the tokens, 0 to 1. */
  readonly mean: number;
  /** One token in ten has a share below this. */
  readonly low: number;
  /** Tokens in a round's fullest bucket over those in the mean one, the mean over the rounds; 1 for local layers. */
  readonly fullest: number;
}

export interface InspectOptions extends HashOptions {
  readonly layer: number;
  /** Default 0. */
  readonly head?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** One head's view of a text, as plain data; `attentionOf` and `exactAttentionOf` compute weights from it. */
export interface Inspection {
  readonly layer: number;
  readonly head: number;
  readonly kind: "lsh" | "local" | "full";
  /** Real tokens; rows beyond them are padding. */
  readonly tokens: number;
  /** The text of each; empty where a character is not complete yet. */
  readonly texts: readonly string[];
  readonly paddedLength: number;
  readonly headSize: number;
  /** [paddedLength, headSize] */
  readonly queries: Float32Array;
  /** [paddedLength, headSize], scaled: the score of query i and key j is their product. */
  readonly keys: Float32Array;
  readonly causal: boolean;
  /** Queries and keys are the same vectors: a token sees itself only where it sees nothing else. */
  readonly shared: boolean;
  /** 1 where there is no hashing. */
  readonly rounds: number;
  /** `paddedLength` where every token sees every other one. */
  readonly chunkLength: number;
  readonly chunksBefore: number;
  readonly chunksAfter: number;
  readonly duplicates: "count" | "once";
  readonly acrossBuckets: boolean;
  /** [rounds, paddedLength], the bucket of every token; empty without hashing. */
  readonly buckets: Uint32Array;
  /** [rounds, paddedLength], tokens sorted by bucket; empty without hashing. */
  readonly order: Uint32Array;
}

/** A key that a query meets. */
export interface Attention {
  readonly key: number;
  /** Softmax weight of all its meetings, 0 to 1. */
  readonly weight: number;
  /** In how many windows they meet. */
  readonly meetings: number;
}

export interface ExplainOptions extends HashOptions {
  /** The label to find evidence for; default: the most probable. Of classification heads only. */
  readonly label?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Evidence of every token of a text for one prediction. */
export interface Explanation {
  /** The label, or the text of the next token. */
  readonly target: string;
  readonly probability: number;
  /**
   * Nats by which the logarithm of the probability would fall, to first order, if the token were an average one of the
   * text; negative where it speaks against the prediction.
   */
  readonly tokens: readonly { readonly text: string; readonly evidence: number }[];
}

/** One GPU program of a step. */
export interface ProfiledDispatch {
  /** Path of what it computes, such as "layer1.lsh.chunk-attention". */
  readonly label: string;
  readonly kernel: string;
  /** The form of the kernel; "plain" is the one of the oracle. */
  readonly variant: string;
  /** Median; null where the device has no timestamps. */
  readonly nanoseconds: number | null;
  /** Multiplications and additions. */
  readonly flops: number;
  /** Read and written at least. */
  readonly bytes: number;
}

/** What a model with a head is asked. A head that cannot answer throws a ConfigError that says which can. */
export interface Tasks {
  /** Labels and scores of every text, the most probable first; of a regression head in the order of its labels. */
  classify(texts: readonly string[], options?: ClassifyOptions): Promise<LabelScore[][]>;
  /** Where in the context the answer stands. */
  answer(question: Question, options?: AnswerOptions): Promise<AnswerSpan[]>;
  /** Candidates for every mask of the text, in the order of the masks. */
  fillMask(text: string, options?: FillMaskOptions): Promise<MaskFilling[][]>;
  /** What every text becomes, by a sequence-to-sequence model. */
  convert(texts: readonly string[], options?: ConvertOptions): Promise<string[]>;
  /** A vector of 2 · hiddenSize numbers for every text: its final states, of any head. */
  embed(texts: readonly string[], options?: EmbedOptions): Promise<Float32Array[]>;
  /** Surprise of every token of a text. */
  score(text: string, options?: ScoreOptions): Promise<TextScore>;
  /** The share of exact attention that each head's candidates hold. */
  coverage(text: string, options?: CoverageOptions): Promise<HeadCoverage[]>;
  /** What one head does with a text. */
  inspect(text: string, options: InspectOptions): Promise<Inspection>;
  /** Which tokens speak for the label, or for the next token. */
  explain(text: string, options?: ExplainOptions): Promise<Explanation>;
}
export type TaskName = keyof Tasks;

export type { HashOptions };
