// What a generation keeps of every token: keys, values, and where LSH layers sort it.
import { bucketFactors, type ReformerConfig } from "../config/config.js";
import { centreTotals } from "../kernels/centre-keys.js";
import { decodeAppend } from "../kernels/decode-append.js";
import { type BucketListSizes, listBlocks, listShape } from "../kernels/decode-insert.js";
import { Arena, type Recording, type Tensor, view } from "../scheduler/recording.js";
import { elements, roundUp } from "../shapes.js";
import { drawnShape, recordDraw } from "./hash.js";

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
  /** u32, of every sequence, head and round: tokens so far by bucket (`listShape`). */
  readonly lists: Tensor;
  readonly sizes: BucketListSizes;
  /** Hashes every token of a generation (`drawnShape`). */
  readonly rotations: Tensor;
  /** Of centred hashing, f32 [batch, heads, headSize + 1]: sum and count of the unit keys so far. */
  readonly keySums: Tensor | undefined;
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
  const sums = new Arena("key sums", "state");
  const vectors = [batch, numHeads, capacity, headSize];
  const layers = config.layers.map((kind, layer): LayerCache => {
    const key = arena.tensor(`layer${layer}.key`, vectors);
    const value = arena.tensor(`layer${layer}.value`, vectors);
    if (kind !== "lsh") return { key, value, buckets: undefined };
    const factors = bucketFactors(config, capacity);
    const buckets = elements(factors);
    const sizes = { rows: batch * numHeads * numHashes, buckets, blocks: listBlocks(buckets, capacity) };
    const { shape, type } = drawnShape(config, factors, numHashes);
    const totals = centreTotals({ batch, heads: numHeads, headSize });
    return {
      key,
      value,
      buckets: {
        lists: arena.tensor(`layer${layer}.lists`, listShape(sizes), "u32"),
        sizes,
        rotations: drawn.tensor(`layer${layer}`, shape, type),
        keySums: config.hashing === "centred" ? sums.tensor(`layer${layer}`, totals) : undefined,
      },
    };
  });
  return { batch, capacity, layers };
}

/** Starts a sequence: no tokens, and rotations of all LSH layers, drawn from the seed and draw in the control words. */
export function startCache(
  recording: Recording,
  config: ReformerConfig,
  cache: DecodeCache,
  control: Tensor,
): void {
  cache.layers.forEach(({ buckets }, layer) => {
    if (!buckets) return;
    const factors = bucketFactors(config, cache.capacity);
    recordDraw(recording, config, { factors, rounds: config.numHashes, layer }, control, buckets.rotations);
    recording.clear(buckets.lists);
    if (buckets.keySums) recording.clear(buckets.keySums);
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
