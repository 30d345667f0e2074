import source from "../../shaders/sampling.wgsl?raw";
import control from "../../shaders/shared/control.wgsl?raw";
import threefry from "../../shaders/shared/threefry.wgsl?raw";
import workgroupSum from "../../shaders/shared/workgroup-sum.wgsl?raw";
import { defineKernel } from "../gpu/kernel.js";
import { ceilDiv } from "../shapes.js";

const sources = [control, threefry, workgroupSum, source];

export interface SampleTokenDims {
  /** Sequences, at most 65,535. */
  readonly batch: number;
  /** Columns of the logits, at most 65,536. */
  readonly vocab: number;
}

/**
 * The next token of every sequence, by the control buffer's temperature, top k, top p and repetition penalty.
 * Rules and shapes: shaders/sampling.wgsl.
 */
export const sampleToken = defineKernel<SampleTokenDims>({
  name: "sampling:sample_token",
  entryPoint: "sample_token",
  sources,
  overrides: () => ({ WG: 256 }),
  params: { vocab: "u32" },
  bindings: {
    seen: { access: "read_write", type: "u32", shape: (d) => [d.batch, ceilDiv(d.vocab, 32)] },
    control: { access: "read", type: "u32", shape: () => [16] },
    logits: { access: "read", shape: (d) => [d.batch, d.vocab] },
    tokens: { access: "write", type: "u32", shape: (d) => [d.batch] },
  },
  grid: (d) => [d.batch, 1, 1],
  cost: (d) => ({ flops: 20 * d.batch * d.vocab, bytes: 4 * d.batch * d.vocab }),
});

export interface MarkSeenDims {
  /** Sequences, at most 65,535. */
  readonly batch: number;
  /** Tokens of each. */
  readonly length: number;
  readonly vocab: number;
}

/** Enters a prompt's tokens among those that the repetition penalty makes less likely. Shapes: shaders/sampling.wgsl. */
export const markSeen = defineKernel<MarkSeenDims>({
  name: "sampling:mark_seen",
  entryPoint: "mark_seen",
  sources,
  overrides: () => ({}),
  params: { vocab: "u32" },
  bindings: {
    seen: { access: "read_write", type: "u32", shape: (d) => [d.batch, ceilDiv(d.vocab, 32)] },
    ids: { access: "read", type: "u32", shape: (d) => [d.batch, d.length] },
  },
  grid: (d) => [ceilDiv(d.length, 64), d.batch, 1],
  cost: (d) => ({ flops: 0, bytes: 4 * d.batch * d.length }),
});
