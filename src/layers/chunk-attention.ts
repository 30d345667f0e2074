// Attention over chunks as a whole: all rounds forward.
import { ConfigError, ShapeError } from "../errors.js";
import {
  type ChunkAttentionDims,
  chunkAttention,
  chunkAttentionHalf,
  headsShape,
  needsPlaces,
} from "../kernels/chunk-attention.js";
import { chunkPlaces } from "../kernels/chunk-places.js";
import { keyScale, keyScaleHalf } from "../kernels/key-scale.js";
import { type Recording, storageOf, type Tensor } from "../scheduler/recording.js";

/** Settings of all rounds together. */
export type AttentionDims = Omit<ChunkAttentionDims, "round"> & {
  /** Bucket ids per round, the padding bucket included; needed for `duplicates: "once"` and `acrossBuckets: false`. */
  readonly buckets?: number;
};

/** Borrowed tensors; q, k, v are [batch, heads, length, headSize], all in f32 or all stored as halves. */
export interface AttentionInputs {
  readonly q: Tensor;
  /** Unless shared. */
  readonly k?: Tensor;
  readonly v: Tensor;
  /** If sorted: u32 [batch, heads, rounds, length], the token at each slot. */
  readonly order?: Tensor;
  /** Bucket ids u32 [batch, heads, rounds, length]; needed where `dims.buckets` is. */
  readonly bucketIds?: Tensor;
  /** If masked: u32 [batch, length], 1 = may be seen. */
  readonly keyMask?: Tensor;
  /** As in the state, where it is known. */
  readonly scale?: Tensor;
  /** With dropout: the control words, or the keep mask. */
  readonly dropoutSource?: Tensor;
}

export interface AttentionState {
  /** [batch, heads, length, headSize] */
  readonly out: Tensor;
  /** [batch, heads, length, 2]: (m, l), m in base 2: log Σ exp(s) is (m + log2 l)·ln 2 */
  readonly stats: Tensor;
  /** [batch, heads, length]: of each token as a key */
  readonly scale: Tensor;
}

/** The kernels by how q, k and v are stored. */
const KERNELS = {
  f32: { scale: keyScale, attention: chunkAttention },
  half: { scale: keyScaleHalf, attention: chunkAttentionHalf },
} as const;

/**
 * Records all rounds of attention. Writes into `outputs` where they are given.
 * @throws {ShapeError} if the length is no multiple of the chunk length
 * @throws {ConfigError} for options that need sorted tokens without them
 */
export function recordChunkAttention(
  recording: Recording,
  dims: AttentionDims,
  inputs: AttentionInputs,
  outputs: Partial<AttentionState> = {},
): AttentionState {
  checkDims(dims);
  const out = outputs.out ?? recording.tensor("out", headsShape({ ...dims, round: 0 }));
  const stats = outputs.stats ?? recording.tensor("stats", [dims.batch, dims.heads, dims.length, 2]);
  const { q, k, v, dropoutSource } = inputs;
  const kernels = KERNELS[storageOf(q)];
  const scale = inputs.scale ?? scaleOf(recording, dims, inputs);
  const order = places(recording, dims, inputs);
  for (let round = 0; round < dims.rounds; round++) {
    recording.dispatch(
      kernels.attention,
      { ...dims, round },
      { q, k, v, order, scale, dropoutSource, out, stats },
    );
  }
  return { out, stats, scale };
}

function scaleOf(recording: Recording, dims: AttentionDims, { q, keyMask }: AttentionInputs): Tensor {
  const scale = recording.tensor("scale", [dims.batch, dims.heads, dims.length]);
  recording.dispatch(KERNELS[storageOf(q)].scale, dims, { k: dims.shared ? q : undefined, keyMask, scale });
  return scale;
}

export function checkDims(dims: AttentionDims): void {
  const { length, chunkLength, rounds, sorted } = dims;
  if (length % chunkLength !== 0) {
    throw new ShapeError(
      `attention over ${length} tokens in chunks of ${chunkLength}: pad the length to a multiple of ${chunkLength}`,
    );
  }
  if (!sorted && (rounds !== 1 || needsPlaces(dims))) {
    throw new ConfigError(
      'several rounds, duplicates: "once" and acrossBuckets: false need tokens sorted by bucket: set sorted and pass order',
    );
  }
}

/** The order, with the chunk and bucket of every token where the options ask for them. */
export function places(
  recording: Recording,
  dims: AttentionDims,
  inputs: AttentionInputs,
): Tensor | undefined {
  if (!needsPlaces(dims)) return inputs.order;
  const { batch, heads, length, rounds, chunkLength, buckets } = dims;
  if (buckets === undefined) {
    throw new ConfigError('duplicates: "once" and acrossBuckets: false need dims.buckets, the ids per round');
  }
  const tensor = recording.tensor("places", [3, batch, heads, rounds, length], "u32");
  recording.dispatch(
    chunkPlaces,
    { batch, heads, length, rounds, chunkLength, buckets },
    { order: inputs.order, bucketIds: inputs.bucketIds, places: tensor },
  );
  return tensor;
}
