// One layer of cached decoding: the prompt's forward pass fills the cache, then every new token attends to it.
import { type LayerKind, runsFullAttention } from "../config/config.js";
import { type DecodeAttentionDims, decodeAttention } from "../kernels/decode-attention.js";
import { decodeInsert, windowLength } from "../kernels/decode-insert.js";
import { embedding } from "../kernels/embedding.js";
import type { Tensor } from "../scheduler/recording.js";
import { addAttention, attentionState, projectHeads } from "./attention.js";
import type { LayerContext } from "./context.js";
import { append, type BucketCache, type DecodeCache } from "./decode-cache.js";
import { embeddingDims, positionWeights, WORD } from "./embedding.js";
import { feedForward } from "./feed-forward.js";
import { hash } from "./hash.js";
import type { Streams } from "./reversible-block.js";
import { type Rows, slice } from "./rows.js";

/** Called with what a layer's projections see: LayerNorm(x2), f32 [tokens, hiddenSize]. */
export type NormedProbe = (layer: number, normed: Rows) => void;

/** One layer over a prompt of `context.length` tokens a sequence, in place on the streams; fills its cache from 0 on. */
export function prefillLayer(
  context: LayerContext,
  layer: number,
  kind: LayerKind,
  streams: Streams,
  cache: DecodeCache,
  probe?: NormedProbe,
): void {
  const { recording, config, control, batch, length } = context;
  const { numHeads, headSize, numHashes } = config;
  recording.scope(`layer${layer}`, () => {
    recording.scope(kind, () => {
      const state = attentionState(context, layer, kind, streams.x2);
      if (state.normed) probe?.(layer, state.normed);
      const { heads, attended } = state;
      const to = layerCache(cache, layer);
      const sizes = { length, capacity: cache.capacity, atPosition: false };
      append(
        recording,
        control,
        { ...sizes, rows: batch * numHeads, width: headSize },
        [heads.key ?? heads.query, heads.value],
        [to.key, to.value],
      );
      if (to.buckets) {
        const ids = attended.inputs.bucketIds ?? hash(context, layer, numHashes, heads.query).ids;
        insert(context, to.buckets, ids, { atPosition: false });
      }
      addAttention(context, layer, state, streams.x1, "residualAdd");
    });
    recording.scope("feed-forward", () => feedForward(context, layer, streams.x1, streams.x2));
  });
}

/** How one new token attends. */
export interface DecodeOptions {
  /** LSH layers use their buckets; before there are enough tokens for that, they attend to all of them. */
  readonly hashed: boolean;
  /** Local windows of several chunks are cut short near the start, as the public model does. */
  readonly shortened?: boolean | undefined;
  /** Buckets of the new tokens by layer, u32 [batch, heads, rounds, 1], instead of computed ones. */
  readonly givenIds?: ReadonlyMap<number, Tensor> | undefined;
  readonly probe?: NormedProbe | undefined;
}

/** One layer over one new token per sequence (`context.length` is 1) at the control buffer's position. */
export function decodeLayer(
  context: LayerContext,
  layer: number,
  kind: LayerKind,
  streams: Streams,
  cache: DecodeCache,
  options: DecodeOptions,
): void {
  const { recording, config, control, batch } = context;
  const { numHeads, headSize } = config;
  const rows = batch * numHeads;
  recording.scope(`layer${layer}`, () => {
    recording.scope(kind, () => {
      const { normed, heads } = projectHeads(context, layer, kind, streams.x2);
      if (normed) options.probe?.(layer, normed);
      const { key, value, buckets } = layerCache(cache, layer);
      append(
        recording,
        control,
        { rows, length: 1, capacity: cache.capacity, width: headSize, atPosition: true },
        [heads.key ?? heads.query, heads.value],
        [key, value],
      );
      const ids =
        buckets && (options.givenIds?.get(layer) ?? hash(context, layer, config.numHashes, heads.query).ids);
      const window = buckets && ids && insert(context, buckets, ids, { atPosition: true });
      const out = recording.tensor("out", [batch, numHeads, 1, headSize]);
      const dims = attentionDims(context, kind, cache, options);
      recording.dispatch(decodeAttention, dims, {
        control,
        q: heads.query,
        k: key,
        v: value,
        ...(options.hashed ? { window } : {}),
        out,
      });
      addAttention(context, layer, { attended: { out } }, streams.x1, "residualAdd");
    });
    recording.scope("feed-forward", () => feedForward(context, layer, streams.x1, streams.x2));
  });
}

/** Whether a prompt of this (padded) length leaves the LSH layers with buckets in use. */
export function prefillHashes({ config, length }: Pick<LayerContext, "config" | "length">): boolean {
  return !runsFullAttention(config, "lsh", length);
}

function layerCache(cache: DecodeCache, layer: number): DecodeCache["layers"][number] {
  const found = cache.layers[layer];
  if (!found) throw new Error(`internal: no cache for layer ${layer}`);
  return found;
}

/** Adds new tokens to their buckets; at a position what stands around it in the order, u32 [batch, heads, rounds, window]. */
function insert(
  { recording, config, control, length }: LayerContext,
  buckets: BucketCache,
  ids: Tensor,
  { atPosition }: { readonly atPosition: boolean },
): Tensor {
  const { lshChunkLength: chunkLength, lshChunksBefore: chunksBefore, lshChunksAfter: chunksAfter } = config;
  const { lists, sizes } = buckets;
  const dims = { ...sizes, count: length, atPosition, chunkLength, chunksBefore, chunksAfter };
  const window = recording.tensor("window", [sizes.rows, windowLength(dims)], "u32");
  recording.dispatch(decodeInsert, dims, { control, newIds: ids, lists, window });
  return window;
}

function attentionDims(
  { config, batch }: LayerContext,
  kind: LayerKind,
  cache: DecodeCache,
  { hashed, shortened = false }: DecodeOptions,
): DecodeAttentionDims {
  const full = {
    rows: batch * config.numHeads,
    capacity: cache.capacity,
    headSize: config.headSize,
    rounds: 1,
    chunkLength: 0,
    chunksBefore: 0,
    chunksAfter: 0,
    fullBelow: 0,
    sorted: false,
    shared: kind === "lsh",
    duplicates: config.duplicates,
    acrossBuckets: config.acrossBuckets,
    shortened,
  };
  if (kind === "local") {
    return {
      ...full,
      chunkLength: config.localChunkLength,
      chunksBefore: config.localChunksBefore,
      fullBelow: config.fullAttentionBelow,
    };
  }
  if (kind === "full" || !hashed) return full;
  return {
    ...full,
    sorted: true,
    rounds: config.numHashes,
    chunkLength: config.lshChunkLength,
    chunksBefore: config.lshChunksBefore,
    chunksAfter: config.lshChunksAfter,
  };
}

/**
 * Embeds one new token per sequence (`context.length` is 1) at the position in `control`: of a target, whose positions
 * count from its own start, not the one that the caches know.
 */
export function embedNext(context: LayerContext, tokens: Tensor, x: Rows, control = context.control): void {
  const { recording, weight, config, batch } = context;
  const part = config.head === "sequence-to-sequence" ? "target" : "source";
  recording.dispatch(embedding, embeddingDims(context, 0, batch, part), {
    ids: tokens,
    word: weight(WORD),
    positions: positionWeights(context, part),
    control,
    out: slice(x, 0, batch),
  });
}
