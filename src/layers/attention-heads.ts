// Self-attention of all heads on [batch, heads, length, headSize]: LSH (hash, sort, chunks over all rounds), local
// (chunks in sequence order) or full (one chunk). One kernel template serves the three.
import { bucketFactors, type LayerKind } from "../config/config.js";
import { oneChunk } from "../kernels/chunk-attention.js";
import type { Tensor } from "../scheduler/recording.js";
import { recordBucketSort } from "./bucket-sort.js";
import {
  type AttentionDims,
  type AttentionInputs,
  type AttentionState,
  recordChunkAttention,
} from "./chunk-attention.js";
import { recordChunkAttentionBackward } from "./chunk-attention-backward.js";
import { dropoutAt, type LayerContext } from "./context.js";
import { hash } from "./hash.js";

/** Projected heads; shared-QK layers have no key of their own. */
export interface AttentionHeads {
  readonly query: Tensor;
  readonly key: Tensor | undefined;
  readonly value: Tensor;
}

/** Output and what the backward pass needs. */
export interface Attended extends AttentionState {
  readonly dims: AttentionDims;
  readonly inputs: AttentionInputs;
}

function dimsOf(context: LayerContext, layer: number, kind: LayerKind, full: boolean): AttentionDims {
  const { config, batch, length, keyMask } = context;
  const rate = kind === "lsh" ? config.lshDropout : config.localDropout;
  const drop = dropoutAt(context, layer, "attention.probabilities", rate).dims;
  const common = {
    batch,
    heads: config.numHeads,
    length,
    headSize: config.headSize,
    causal: config.causal,
    shared: kind === "lsh",
    masked: keyMask !== undefined,
    ...drop,
    // Without dropout no kernel asks which heads these are.
    allHeads: drop.dropout === 0 ? undefined : context.headsOf?.all,
    firstHead: drop.dropout === 0 ? 0 : (context.headsOf?.first ?? 0),
  };
  if (full) return oneChunk(common);
  if (kind === "local") {
    return {
      ...oneChunk(common),
      chunkLength: config.localChunkLength,
      chunksBefore: config.localChunksBefore,
      chunksAfter: config.localChunksAfter,
    };
  }
  return {
    ...common,
    rounds: config.numHashes,
    chunkLength: config.lshChunkLength,
    chunksBefore: config.lshChunksBefore,
    chunksAfter: config.lshChunksAfter,
    sorted: true,
    duplicates: config.duplicates,
    acrossBuckets: config.acrossBuckets,
    buckets: bucketIds(context),
  };
}

/** Bucket ids per round, the padding bucket included. */
export function bucketIds({ config, length, keyMask }: LayerContext): number {
  return bucketFactors(config, length).reduce((a, b) => a * b, 1) + (keyMask ? 1 : 0);
}

/** Attention of every head; rounds merge in place into one softmax. */
export function attendHeads(
  context: LayerContext,
  layer: number,
  kind: LayerKind,
  full: boolean,
  { query, key, value }: AttentionHeads,
): Attended {
  const { recording, config, batch, length, keyMask } = context;
  const dims = dimsOf(context, layer, kind, full);
  const rate = kind === "lsh" ? config.lshDropout : config.localDropout;
  const { control, keep } = dropoutAt(context, layer, "attention.probabilities", rate).tensors;
  const dropoutSource = keep ?? control;
  let sorted = {};
  if (dims.sorted) {
    const { ids, scale } = hash(context, layer, dims.rounds, query);
    const sizes = { segments: batch * dims.heads * dims.rounds, length, buckets: dims.buckets ?? 1 };
    sorted = { order: recordBucketSort(recording, sizes, ids), bucketIds: ids, ...(scale && { scale }) };
  }
  const inputs: AttentionInputs = {
    q: query,
    v: value,
    ...(key ? { k: key } : {}),
    ...(keyMask ? { keyMask } : {}),
    ...(dropoutSource ? { dropoutSource } : {}),
    ...sorted,
  };
  return { ...recordChunkAttention(recording, dims, inputs), dims, inputs };
}

/** Gradients of the projected heads, in the order of `projections`. */
export function attendHeadsBackward(
  context: LayerContext,
  attended: Attended,
  dOut: Tensor,
): readonly Tensor[] {
  const { dims, inputs, out, stats, scale } = attended;
  const { dq, dk, dv } = recordChunkAttentionBackward(context, dims, {
    ...inputs,
    ...{ out, stats, scale, dOut },
  });
  return dk ? [dq, dk, dv] : [dq, dv];
}
