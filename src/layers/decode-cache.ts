// What a generation keeps of every token: keys, values, and where LSH layers sort it.
import { bucketFactors, type ReformerConfig } from "../config.js";
import { decodeAppend } from "../kernels/decode-append.js";
import { rotationColumns } from "../kernels/lsh-hash.js";
import { rotations } from "../kernels/rotations.js";
import { Arena, type Recording, type Tensor, view } from "../scheduler/recording.js";
import { roundUp } from "../shapes.js";

/** The cache of one layer. */
export interface LayerCache {
  /** f32 [batch, heads, capacity, headSize]; LSH layers keep the shared queries and keys, before normalisation. */
  readonly key: Tensor;
  /** f32 [batch, heads, capacity, headSize]. */
  readonly value: Tensor;
  /** LSH layers only. */
  readonly buckets: BucketCache | undefined;
}

export interface BucketCache {
  /** u32 [batch, heads, rounds, capacity]: bucket of every token so far. */
  readonly ids: Tensor;
  /** u32 [batch, heads, rounds, capacity]: tokens so far by ascending bucket, then position. */
  readonly order: Tensor;
  /** f32 [heads, headSize, rounds, columns]: hashes every token of a generation. */
  readonly rotations: Tensor;
}

export interface DecodeCache {
  readonly batch: number;
  /** Tokens of one sequence that fit. */
  readonly capacity: number;
  readonly layers: readonly LayerCache[];
}

/**
 * The configuration for sequences of up to `capacity` tokens: an automatic bucket count is fixed by the capacity, so
 * that it is one for the prompt and all new tokens.
 */
export function decodeConfig(config: ReformerConfig, capacity: number): ReformerConfig {
  if (!config.layers.includes("lsh")) return config;
  return { ...config, numBuckets: bucketFactors(config, roundUp(capacity, config.lshChunkLength)) };
}

/** Places the cache; `config` comes from `decodeConfig`. */
export function decodeCache(config: ReformerConfig, batch: number, capacity: number): DecodeCache {
  const { numHeads, headSize, numHashes } = config;
  const arena = new Arena("cache", "state");
  const drawn = new Arena("rotations", "state");
  const vectors = [batch, numHeads, capacity, headSize];
  const layers = config.layers.map((kind, layer): LayerCache => {
    const key = arena.tensor(`layer${layer}.key`, vectors);
    const value = arena.tensor(`layer${layer}.value`, vectors);
    if (kind !== "lsh") return { key, value, buckets: undefined };
    const rounds = [batch, numHeads, numHashes, capacity];
    const columns = rotationColumns(bucketFactors(config, capacity));
    return {
      key,
      value,
      buckets: {
        ids: arena.tensor(`layer${layer}.ids`, rounds, "u32"),
        order: arena.tensor(`layer${layer}.order`, rounds, "u32"),
        rotations: drawn.tensor(`layer${layer}`, [numHeads, headSize, numHashes, columns]),
      },
    };
  });
  return { batch, capacity, layers };
}

/** Draws the rotations of all LSH layers from the seed and draw in the control words. */
export function drawRotations(
  recording: Recording,
  config: ReformerConfig,
  cache: DecodeCache,
  control: Tensor,
): void {
  const { numHeads: heads, headSize, numHashes: rounds } = config;
  cache.layers.forEach(({ buckets }, layer) => {
    if (!buckets) return;
    const columns = buckets.rotations.shape[3] ?? 0;
    const dims = { heads, headSize, rounds, columns, layer };
    recording.dispatch(rotations, dims, { control, rotations: buckets.rotations });
  });
}

/**
 * Copies two tensors of `length` tokens into caches of the same element type and width, from the control buffer's
 * position or from 0 on. Tokens beyond the capacity are left out.
 */
export function append(
  recording: Recording,
  control: Tensor,
  sizes: {
    readonly rows: number;
    readonly length: number;
    readonly capacity: number;
    readonly width: number;
    readonly atPosition: boolean;
  },
  from: readonly [Tensor, Tensor],
  to: readonly [Tensor, Tensor],
): void {
  const words = (tensor: Tensor) => view(tensor, 0, tensor.shape, { type: "u32" });
  recording.dispatch(decodeAppend, sizes, {
    control,
    rows: words(from[0]),
    otherRows: words(from[1]),
    cache: words(to[0]),
    otherCache: words(to[1]),
  });
}
