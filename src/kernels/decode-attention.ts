import source from "../../shaders/decode-attention.wgsl?raw";
import control from "../../shaders/shared/control.wgsl?raw";
import { defineKernel } from "../gpu/kernel.js";
import { lineGrid } from "../shapes.js";
import { type DecodeWindow, windowLength } from "./decode-insert.js";

/** Sizes and rules of attention from one new token to a cache. LSH: sorted and shared. Local and full: neither. */
export interface DecodeAttentionDims extends DecodeWindow {
  /** batch · heads. */
  readonly rows: number;
  /** Tokens that the caches hold. */
  readonly capacity: number;
  /** A multiple of 4, at most 256. */
  readonly headSize: number;
  /** Hashing rounds; 1 unless sorted. */
  readonly rounds: number;
  /** 0: every cached token is a key. */
  readonly chunkLength: number;
  /** Up to one token less than this, every cached token is a key; only unless sorted. */
  readonly fullBelow: number;
  /** Keys come from windows of the sorted order, one a round. */
  readonly sorted: boolean;
  /** Keys are RMS-normalised queries, and the new token sees itself only where it sees nothing else. */
  readonly shared: boolean;
  /** How a key counts that is met several times; "once" only if sorted. */
  readonly duplicates: "count" | "once";
  /** False: only keys of the query's bucket of the round; only if sorted. */
  readonly acrossBuckets: boolean;
  /** Shortens local windows of several chunks near the start, as the public model does. */
  readonly shortened: boolean;
}

const heads = (d: DecodeAttentionDims) => [d.rows, d.headSize];
const cached = (d: DecodeAttentionDims) => [d.rows, d.capacity, d.headSize];
const windows = (d: DecodeAttentionDims) => [d.rows, d.rounds, windowLength(d)];

/** Most keys that one query meets. */
const keys = (d: DecodeAttentionDims) => (d.sorted ? d.rounds * windowLength(d) : d.capacity);

/** Attention of one new token per sequence to its cache. Equation and shapes: shaders/decode-attention.wgsl. */
export const decodeAttention = defineKernel<DecodeAttentionDims>({
  name: "decode-attention",
  sources: [control, source],
  overrides: (d) => ({
    HEAD_VECS: d.headSize / 4,
    ROUNDS: d.rounds,
    CHUNKS_BEFORE: d.chunksBefore,
    CHUNKS_AFTER: d.chunksAfter,
    SORTED: Number(d.sorted),
    SHARED_KEYS: Number(d.shared),
    COUNT_ONCE: Number(d.sorted && d.duplicates === "once"),
    ACROSS_BUCKETS: Number(!d.sorted || d.acrossBuckets),
    SHORTENED: Number(d.shortened),
  }),
  params: { rows: "u32", capacity: "u32", chunkLength: "u32", fullBelow: "u32" },
  bindings: {
    control: { access: "read", type: "u32", shape: () => [16] },
    q: { access: "read", shape: heads },
    k: { access: "read", shape: cached },
    v: { access: "read", shape: cached },
    window: { access: "read", type: "u32", shape: windows, optional: true },
    out: { access: "write", shape: heads },
  },
  supports: (d) => d.headSize % 4 === 0 && d.headSize <= 256,
  grid: (d) => lineGrid(d.rows),
  cost: (d) => ({
    flops: d.rows * keys(d) * 4 * d.headSize,
    bytes: d.rows * 8 * d.headSize * (keys(d) + 1),
  }),
});
