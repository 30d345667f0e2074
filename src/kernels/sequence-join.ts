import source from "../../shaders/sequence-join.wgsl?raw";
import stream from "../../shaders/shared/stream.wgsl?raw";
import { defineKernel } from "../gpu/kernel.js";
import { ceilDiv, elements, lineGrid } from "../shapes.js";

/** A slab of the joined sequences, and the sizes of what they are joined from. */
export interface JoinedDims {
  readonly batch: number;
  /** Width of the stream. */
  readonly size: number;
  /** Rows of this slab. */
  readonly rows: number;
  /** First row of this slab, counted through the batch. */
  readonly rowOffset: number;
  /** Tokens of a joined sequence. */
  readonly length: number;
  /** Tokens of a source, padding included. */
  readonly sourceLength: number;
  /** Tokens of a target, padding included. */
  readonly targetLength: number;
}

const params = {
  rows: "u32",
  rowOffset: "u32",
  length: "u32",
  batch: "u32",
  sourceLength: "u32",
  targetLength: "u32",
} as const;
const slab = (d: JoinedDims) => [d.rows, d.size];
const sources = { access: "read", type: "u32", shape: (d: JoinedDims) => [d.batch] } as const;

/** One slab of sources and targets, joined. Definition: shaders/sequence-join.wgsl. */
export const joinSequences = defineKernel<JoinedDims & { readonly fixedPoint: boolean }>({
  name: "sequence-join:join",
  entryPoint: "join",
  sources: [stream, source],
  overrides: (d) => ({ SIZE: d.size, FIXED_POINT: Number(d.fixedPoint) }),
  params,
  bindings: {
    sources,
    source: { access: "read", shape: (d) => [d.batch, d.sourceLength, d.size] },
    targets: { access: "read", type: "i32", shape: (d) => [d.batch, d.targetLength, d.size] },
    joined: { access: "write", type: "i32", shape: slab },
  },
  grid: (d) => lineGrid(ceilDiv(d.rows * d.size, 256)),
  cost: (d) => ({ flops: 0, bytes: 8 * d.rows * d.size }),
});

export interface SplitDims extends JoinedDims {
  /** The part after the source's real tokens: the target and padding; else these tokens. */
  readonly after: boolean;
}

const part = (d: SplitDims) => [d.batch, d.after ? d.targetLength : d.sourceLength, d.size];

/** What one slab holds of the gradient of a part of every joined sequence. Definition: shaders/sequence-join.wgsl. */
export const splitSequences = defineKernel<SplitDims>({
  name: "sequence-join:split",
  entryPoint: "split",
  sources: [stream, source],
  overrides: (d) => ({ SIZE: d.size, AFTER: Number(d.after) }),
  params,
  bindings: {
    sources,
    dx1: { access: "read", shape: slab },
    dx2: { access: "read", shape: slab },
    part: { access: "read_write", shape: part },
  },
  grid: (d) => lineGrid(ceilDiv(elements(part(d)), 256)),
  cost: (d) => ({ flops: elements(part(d)), bytes: 12 * elements(part(d)) }),
});
