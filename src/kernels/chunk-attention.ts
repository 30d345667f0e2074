import aloneSource from "../../shaders/chunk-attention.alone.wgsl?raw";
import source from "../../shaders/chunk-attention.wgsl?raw";
import attention from "../../shaders/shared/attention.wgsl?raw";
import alone from "../../shaders/shared/attention-alone.wgsl?raw";
import control from "../../shaders/shared/control.wgsl?raw";
import dropout from "../../shaders/shared/dropout.wgsl?raw";
import halves from "../../shaders/shared/halves.wgsl?raw";
import headsF32 from "../../shaders/shared/heads-f32.wgsl?raw";
import headsHalf from "../../shaders/shared/heads-half.wgsl?raw";
import threefry from "../../shaders/shared/threefry.wgsl?raw";
import {
  type Binding,
  bytesOf,
  defineKernel,
  type Kernel,
  type Storage,
  storedAs,
  storedName,
  type Variant,
} from "../gpu/kernel.js";
import { ceilDiv, lineGrid } from "../shapes.js";

/** Sizes and rules of attention over chunks. LSH: shared and sorted. Local: neither. Full: see `oneChunk`. */
export interface ChunkAttentionDims {
  readonly batch: number;
  readonly heads: number;
  /** Tokens per sequence, a multiple of `chunkLength`. */
  readonly length: number;
  /** A multiple of 4, at most 256. */
  readonly headSize: number;
  /** Hashing rounds; 1 unless sorted. */
  readonly rounds: number;
  /** The round this dispatch handles, from 0; rounds run in order. */
  readonly round: number;
  readonly chunkLength: number;
  readonly chunksBefore: number;
  readonly chunksAfter: number;
  readonly causal: boolean;
  /** Keys are the RMS-normalised queries, and a token sees itself only where it sees nothing else. */
  readonly shared: boolean;
  /** Tokens stand in the order of `order`, else in sequence order. */
  readonly sorted: boolean;
  /** Some tokens may not be seen: their `scale` is 0. */
  readonly masked: boolean;
  /** How a key counts that one query meets several times; "once" only if sorted. */
  readonly duplicates: "count" | "once";
  /** False: only keys of the query's own bucket and round; only if sorted. */
  readonly acrossBuckets: boolean;
  /** Of weights: 0 none, 1 from the seed in the control words, 2 by a recorded keep mask. */
  readonly dropout: 0 | 1 | 2;
  readonly dropoutRate: number;
  /** Which place in the model draws. */
  readonly site: number;
  /** Where these heads are some of more: how many there are. Dropout draws, and keep masks count, by all of them. */
  readonly allHeads?: number | undefined;
  /** Number of the first of these heads among all. */
  readonly firstHead: number;
}

/** Settings of attention over the whole sequence: a single chunk as long as it. */
export function oneChunk(
  dims: Pick<
    ChunkAttentionDims,
    | "batch"
    | "heads"
    | "length"
    | "headSize"
    | "causal"
    | "shared"
    | "masked"
    | "dropout"
    | "dropoutRate"
    | "site"
    | "allHeads"
  > &
    Partial<Pick<ChunkAttentionDims, "firstHead">>,
): ChunkAttentionDims {
  return {
    firstHead: 0,
    ...dims,
    rounds: 1,
    round: 0,
    chunkLength: dims.length,
    chunksBefore: 0,
    chunksAfter: 0,
    sorted: false,
    duplicates: "count",
    acrossBuckets: true,
  };
}

/** Whether `order` must come from chunk-places, with the chunk and the bucket of every token beside it. */
export function needsPlaces(dims: Pick<ChunkAttentionDims, "duplicates" | "acrossBuckets">): boolean {
  return dims.duplicates === "once" || !dims.acrossBuckets;
}

/** Keys that each query meets in one round. */
export function windowLength(dims: ChunkAttentionDims): number {
  return dims.chunkLength * (1 + dims.chunksBefore + dims.chunksAfter);
}

/** [batch, heads, length, headSize], the shape of queries, keys, values, outputs and their gradients. */
export const headsShape = (d: ChunkAttentionDims): number[] => [d.batch, d.heads, d.length, d.headSize];

/** The text that kernels which read queries, keys or values begin with, by how those are stored. */
export const headsText: Readonly<Record<Storage, readonly string[]>> = {
  f32: [headsF32],
  half: [halves, headsHalf],
};

export const orderBinding: Binding<ChunkAttentionDims> = {
  access: "read",
  type: "u32",
  shape: (d) => [needsPlaces(d) ? 3 : 1, d.batch, d.heads, d.rounds, d.length],
  optional: true,
};

export const dropoutSourceBinding: Binding<ChunkAttentionDims> = {
  access: "read",
  type: "u32",
  shape: (d) =>
    d.dropout === 2
      ? [
          d.batch,
          d.allHeads ?? d.heads,
          (d.rounds * d.length) / d.chunkLength,
          d.chunkLength,
          windowLength(d),
        ]
      : [16],
  optional: true,
};

/**
 * Rows of a block and score places of its lines: a workgroup has headSize/4 · rows/4 ≤ 256 invocations, and its weights
 * take 16 · places · rows ≤ 8 KiB.
 */
function blockOf(d: ChunkAttentionDims): { readonly rows: number; readonly places: number } {
  const places = Math.min(d.headSize / 4, 32);
  const most = 512 / 2 ** Math.ceil(Math.log2(places));
  return { rows: [4, 8, 16, 32].find((rows) => rows >= d.chunkLength || rows >= most) ?? 64, places };
}

/** What all forms of attention are specialised by. */
export const ruleOverrides = (d: ChunkAttentionDims) => ({
  HEADS: d.heads,
  ALL_HEADS: d.allHeads ?? d.heads,
  HEAD_VECS: d.headSize / 4,
  ROUNDS: d.rounds,
  CHUNKS_BEFORE: d.chunksBefore,
  CHUNKS_AFTER: d.chunksAfter,
  CAUSAL: Number(d.causal),
  SHARED_KEYS: Number(d.shared),
  SORTED: Number(d.sorted),
  MASKED: Number(d.masked),
  COUNT_ONCE: Number(d.duplicates === "once"),
  ACROSS_BUCKETS: Number(d.acrossBuckets),
  DROPOUT: d.dropout,
});

/** The text that all forms of attention begin with; and those without barriers. */
export const rules: readonly string[] = [threefry, control, dropout, attention];
export const loneRules: readonly string[] = [...rules, alone];

type AttentionForm = Pick<Variant<ChunkAttentionDims>, "sources" | "overrides" | "grid" | "supports">;

/** What chunk-attention and chunk-attention-backward share: one workgroup per block of a chunk's rows. */
export function attentionForm(...source: readonly string[]): AttentionForm {
  return {
    sources: [...rules, ...source],
    overrides: (d) => ({
      ...ruleOverrides(d),
      ROWS: blockOf(d).rows,
      PLACES: blockOf(d).places,
      LANES: ((d.headSize / 4) * blockOf(d).rows) / 4,
    }),
    grid: (d) => {
      const [x, y] = lineGrid((d.length / d.chunkLength) * ceilDiv(d.chunkLength, blockOf(d).rows));
      return [x, y, d.batch * d.heads];
    },
    supports: (d) => d.headSize % 4 === 0 && d.headSize <= 256,
  };
}

/** The same without barriers: one invocation per block of 8 rows. */
export function loneForm(
  ...source: readonly string[]
): AttentionForm & { readonly name: string; readonly software: true } {
  return {
    name: "alone",
    software: true,
    sources: [...loneRules, ...source],
    overrides: (d) => ({ ...ruleOverrides(d), ROWS: 8, WG: 64 }),
    grid: (d) =>
      lineGrid(ceilDiv(d.batch * d.heads * (d.length / d.chunkLength) * ceilDiv(d.chunkLength, 8), 64)),
    supports: (d) => d.headSize % 4 === 0,
  };
}

function forward(storage: Storage): Kernel<ChunkAttentionDims> {
  const heads: Binding<ChunkAttentionDims> = { access: "read", ...storedAs(storage, headsShape) };
  return defineKernel<ChunkAttentionDims>({
    name: storedName("chunk-attention", storage),
    ...attentionForm(...headsText[storage], source),
    variants: [loneForm(...headsText[storage], aloneSource)],
    params: {
      batch: "u32",
      length: "u32",
      chunkLength: "u32",
      headSize: "u32",
      round: "u32",
      dropoutRate: "f32",
      site: "u32",
      firstHead: "u32",
    },
    bindings: {
      q: heads,
      k: { ...heads, optional: true },
      v: heads,
      order: orderBinding,
      scale: { access: "read", shape: (d) => [d.batch, d.heads, d.length] },
      dropoutSource: dropoutSourceBinding,
      out: { access: "read_write", shape: headsShape },
      stats: { access: "read_write", shape: (d) => [d.batch, d.heads, d.length, 2] },
    },
    cost: (d) => {
      const queries = d.batch * d.heads * d.length;
      return {
        flops: queries * windowLength(d) * 4 * d.headSize,
        bytes:
          queries *
          (d.headSize * (bytesOf(storage) * (2 + Number(!d.shared)) + 4 * (1 + Number(d.round > 0))) + 12),
      };
    },
  });
}

/** Softmax attention to nearby chunks, one round per dispatch. Equation, shapes and cost: shaders/chunk-attention.wgsl. */
export const chunkAttention = forward("f32");
/** The same of queries, keys and values stored as halves. */
export const chunkAttentionHalf = forward("half");
