// The fields of the model's configuration: our names, their defaults and limits. The names used by public checkpoints
// are in hugging-face.ts.
import { type Hashing, MAX_HASHES } from "./hashing.js";

export const LAYER_KINDS = ["local", "lsh", "full"] as const;
export type LayerKind = (typeof LAYER_KINDS)[number];

/** Named and defined as in public checkpoints; formulas: shaders/shared/activation.wgsl. `gelu` is the erf form. */
export const ACTIVATIONS = [
  ...([
    "relu",
    "gelu",
    "gelu_new",
    "quick_gelu",
    "silu",
    "relu6",
    "relu2",
    "mish",
    "tanh",
    "sigmoid",
    "gelu_10",
    "leaky_relu",
    "hardswish",
    "laplace",
    "sqrtsoftplus",
  ] as const),
  "linear",
] as const;
export type Activation = (typeof ACTIVATIONS)[number];

/**
 * Tables of two or three axes, the last one the fastest: of two, position p is concat(table0[p div a1], table1[p mod a1]).
 * `shape` has the rows of each and holds their product of positions; `dims` has their widths, of sum hiddenSize.
 */
export interface AxialPositions {
  readonly type: "axial";
  readonly shape: readonly number[];
  readonly dims: readonly number[];
}

/** One table of `maxLength` rows. */
export interface LearnedPositions {
  readonly type: "learned";
  readonly maxLength: number;
}

/**
 * What stands on the final states: `language-model` predicts the next token and needs a causal model,
 * `masked-language-model` the token of each place and needs one that sees both directions; `sequence-to-sequence` the next
 * token of a target, from its source and what it has of the target.
 */
export const HEADS = [
  "language-model",
  "masked-language-model",
  "classification",
  "question-answering",
  "sequence-to-sequence",
  "none",
] as const;
export type HeadKind = (typeof HEADS)[number];

/** One label of several, any number of them, or a number for each. */
export const PROBLEM_TYPES = ["single-label", "multi-label", "regression"] as const;
export type ProblemType = (typeof PROBLEM_TYPES)[number];

/** What a classifier reads of the final states: the first token's, as public checkpoints do, or the mean of all tokens'. */
export const POOLINGS = ["first", "mean"] as const;
export type Pooling = (typeof POOLINGS)[number];

/** The settings of the head; the others belong to the body. */
export interface HeadConfig {
  readonly head: HeadKind;
  /** Outputs of a classification head; 2 (start and end) of a question-answering head. */
  readonly numLabels: number;
  /** Their names, numLabels of them, all different. */
  readonly labels: readonly string[];
  readonly problemType: ProblemType;
  readonly classifierPooling: Pooling;
  /** Dropout around the classifier's inner layer; null = hiddenDropout. */
  readonly classifierDropout: number | null;
  /** The token that stands for a hidden one in masked language modelling; null = there is none. */
  readonly maskTokenId: number | null;
}

/** A complete configuration. Lengths are in tokens. Make one with `resolveConfig`. */
export interface ReformerConfig extends HeadConfig {
  readonly vocabSize: number;
  /** E, the width of each of the two residual streams. */
  readonly hiddenSize: number;
  readonly numHeads: number;
  /** Per head, a multiple of 4; numHeads·headSize need not equal hiddenSize. */
  readonly headSize: number;
  /** One entry per layer, in any order; of a sequence-to-sequence model, those of its causal decoder. */
  readonly layers: readonly LayerKind[];
  /** Layers of a sequence-to-sequence model's encoder, which see both directions; none with other heads. */
  readonly encoderLayers: readonly LayerKind[];
  readonly feedForwardSize: number;
  readonly activation: Activation;
  /** true: a token sees only itself and earlier ones (language model). */
  readonly causal: boolean;
  readonly positions: AxialPositions | LearnedPositions;
  /** Longest sequence, or source and target each; also enters the automatic bucket choice. */
  readonly maxLength: number;
  readonly layerNormEps: number;
  readonly lshChunkLength: number;
  readonly localChunkLength: number;
  readonly lshChunksBefore: number;
  readonly lshChunksAfter: number;
  readonly localChunksBefore: number;
  readonly localChunksAfter: number;
  /** R, independent hashing rounds. */
  readonly numHashes: number;
  /** How LSH layers hash; the families are explained in hashing.ts. */
  readonly hashing: Hashing;
  /** Buckets per round (even), or even factors whose product it is, or chosen from the length. */
  readonly numBuckets: number | readonly number[] | "auto";
  readonly hiddenDropout: number;
  readonly lshDropout: number;
  readonly localDropout: number;
  /** A key met in several rounds: "count" every meeting (public checkpoints), or "once" (the paper's −log N). */
  readonly duplicates: "count" | "once";
  /** true: every key of the window is a candidate (public checkpoints); false: only those of the query's bucket. */
  readonly acrossBuckets: boolean;
  /** Sequences shorter than this run full attention in every layer; 0 = never. */
  readonly fullAttentionBelow: number;
  /** Rows of the feed-forward evaluated at once; 0 = all. No numerical effect. */
  readonly feedForwardChunk: number;
  /** Rows of the output head evaluated at once; 0 = the plan's choice. No numerical effect. */
  readonly headChunk: number;
  /** Standard deviation of initial linear and embedding weights. */
  readonly initializerRange: number;
  /** Standard deviation of initial axial position tables. */
  readonly axialInitStd: number;
  /** What fills sequences up, masked out; null = the model has no such token, and token 0 stands there. */
  readonly padTokenId: number | null;
  /** The token that ends a text, or several of which any does: the first then begins texts. null = there is none. */
  readonly eosTokenId: number | readonly number[] | null;
  /** Fixes the hash rotations: null = a new draw per step and layer, a number = always the same. */
  readonly hashSeed: number | null;
  /** Keys of a public config.json that this library does not know; written back unchanged. */
  readonly extra: Readonly<Record<string, unknown>>;
}

/** What a user gives: any part of a configuration; axial shape and dims, or the learned table's length, may be left out. */
export type ReformerOptions = {
  readonly [K in Exclude<keyof ReformerConfig, "positions">]?: ReformerConfig[K] | undefined;
} & {
  readonly positions?:
    | (Partial<AxialPositions> & { type: "axial" })
    | (Partial<LearnedPositions> & { type: "learned" })
    | undefined;
};

/** The fields that are plain numbers. */
export type NumberField = {
  [K in keyof ReformerConfig]: ReformerConfig[K] extends number ? K : never;
}[keyof ReformerConfig];

/** Tokens of the longest sequence: the sort is proven up to here. */
export const MAX_TOKENS = 2 ** 20;
const MAX_WIDTH = 2 ** 16;

/** Default and inclusive range of a numeric field. */
export interface NumberRule {
  readonly fallback: number;
  readonly min: number;
  readonly max: number;
  readonly integer: boolean;
}
/** Rule of a whole number. */
export const count = (fallback: number, min: number, max: number): NumberRule => ({
  fallback,
  min,
  max,
  integer: true,
});
const real = (fallback: number, min: number, max: number): NumberRule => ({
  fallback,
  min,
  max,
  integer: false,
});

export const NUMBERS: Readonly<Record<NumberField, NumberRule>> = {
  vocabSize: count(256, 1, 2 ** 24),
  hiddenSize: count(256, 2, MAX_WIDTH),
  numHeads: count(4, 1, 1024),
  headSize: count(64, 4, 256),
  feedForwardSize: count(1024, 1, 2 ** 20),
  maxLength: count(4096, 1, MAX_TOKENS),
  layerNormEps: real(1e-12, 0, 1),
  lshChunkLength: count(64, 1, MAX_WIDTH),
  localChunkLength: count(64, 1, MAX_WIDTH),
  lshChunksBefore: count(1, 0, 64),
  lshChunksAfter: count(0, 0, 64),
  localChunksBefore: count(1, 0, 64),
  localChunksAfter: count(0, 0, 64),
  numHashes: count(2, 1, MAX_HASHES),
  hiddenDropout: real(0, 0, 0.999),
  lshDropout: real(0, 0, 0.999),
  localDropout: real(0, 0, 0.999),
  fullAttentionBelow: count(0, 0, MAX_TOKENS),
  feedForwardChunk: count(0, 0, MAX_TOKENS),
  headChunk: count(0, 0, MAX_TOKENS),
  initializerRange: real(0.02, 0, 100),
  axialInitStd: real(1, 0, 100),
  numLabels: count(2, 1, MAX_WIDTH),
};
