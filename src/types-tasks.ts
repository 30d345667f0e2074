// The public vocabulary of labels and tasks: what a model with a head is taught and asked.
import type { HeadKind, ProblemType } from "./config-fields.js";

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

/** An example of the model's head: classification, question answering, masked language modelling. */
export type Example = LabelledText | AnsweredQuestion | PlainText;

/** A new head for the body that a model has. */
export interface HeadOptions {
  readonly head: HeadKind;
  readonly numLabels?: number | undefined;
  readonly labels?: readonly string[] | undefined;
  readonly problemType?: ProblemType | undefined;
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

export interface ClassifyOptions {
  /** Labels to return, the most probable first; default all. */
  readonly topK?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface Question {
  readonly question: string;
  readonly context: string;
}

export interface AnswerOptions {
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

export interface FillMaskOptions {
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

export interface EmbedOptions {
  /** "mean" (default) over all tokens, or the final states of the "first" or the "last" one. */
  readonly pooling?: "mean" | "first" | "last" | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface ScoreOptions {
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

/** What a model with a head is asked. A head that cannot answer throws a ConfigError that says which can. */
export interface Tasks {
  /** Labels and scores of every text, the most probable first; of a regression head in the order of its labels. */
  classify(texts: readonly string[], options?: ClassifyOptions): Promise<LabelScore[][]>;
  /** Where in the context the answer stands. */
  answer(question: Question, options?: AnswerOptions): Promise<AnswerSpan[]>;
  /** Candidates for every mask of the text, in the order of the masks. */
  fillMask(text: string, options?: FillMaskOptions): Promise<MaskFilling[][]>;
  /** A vector of 2 · hiddenSize numbers for every text: its final states, of any head. */
  embed(texts: readonly string[], options?: EmbedOptions): Promise<Float32Array[]>;
  /** Surprise of every token of a text. */
  score(text: string, options?: ScoreOptions): Promise<TextScore>;
}
export type TaskName = keyof Tasks;
