import source from "../../shaders/adamw.wgsl?raw";
import control from "../../shaders/shared/control.wgsl?raw";
import updateState from "../../shaders/shared/update-state.wgsl?raw";
import { defineKernel } from "../gpu/kernel.js";
import { ceilDiv, lineGrid } from "../shapes.js";

const WORKGROUP = 256;

/** Bits of a block's flags: 64 consecutive parameters that begin at a multiple of 64 share one word. */
export const BLOCK_FLAGS = { decayed: 1, trainable: 2 } as const;

export interface AdamwDims {
  /** Length of this flat buffer. */
  readonly count: number;
  /** Decay of the mean of gradients, 0 ≤ β1 < 1. */
  readonly beta1: number;
  /** Decay of the mean of their squares, 0 ≤ β2 < 1. */
  readonly beta2: number;
  /** Added to the root of the mean square. */
  readonly eps: number;
  /** λ, multiplied by the learning rate. */
  readonly weightDecay: number;
}

/** One AdamW step. Equation, shapes and cost: shaders/adamw.wgsl. */
export const adamw = defineKernel<AdamwDims>({
  name: "adamw",
  sources: [control, updateState, source],
  overrides: ({ beta1, beta2, eps, weightDecay }) => ({
    WG: WORKGROUP,
    BETA1: beta1,
    BETA2: beta2,
    ONE_MINUS_BETA1: 1 - beta1,
    ONE_MINUS_BETA2: 1 - beta2,
    EPSILON: eps,
    WEIGHT_DECAY: weightDecay,
  }),
  params: { count: "u32" },
  bindings: {
    parameters: { access: "read_write", shape: (d) => [d.count] },
    gradients: { access: "read", shape: (d) => [d.count] },
    moments: { access: "read_write", shape: (d) => [d.count] },
    variances: { access: "read_write", shape: (d) => [d.count] },
    blockFlags: { access: "read", type: "u32", shape: (d) => [ceilDiv(d.count, 64)] },
    control: { access: "read", type: "u32", shape: () => [16] },
    state: { access: "read", shape: () => [8] },
  },
  grid: (d) => lineGrid(ceilDiv(d.count, WORKGROUP)),
  cost: (d) => ({ flops: 16 * d.count, bytes: 28 * d.count }),
});
