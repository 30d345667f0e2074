import source from "../../shaders/global-norm.wgsl?raw";
import control from "../../shaders/shared/control.wgsl?raw";
import updateState from "../../shaders/shared/update-state.wgsl?raw";
import workgroupSum from "../../shaders/shared/workgroup-sum.wgsl?raw";
import { defineKernel } from "../gpu/kernel.js";
import { ceilDiv, lineGrid } from "../shapes.js";

const sources = [control, updateState, workgroupSum, source];
const PER_GROUP = 16_384;

/** Words of the update state, as in shaders/shared/update-state.wgsl. */
export const STATE = { norm: 0, clip: 1, fault: 2, lossExponent: 3, goodSteps: 4, words: 8 } as const;

/** Values of the fault word; the optimisers update nothing unless it is `none`. */
export const FAULT = { none: 0, nonFinite: 1, overflow: 2 } as const;

/** Status word from which a fixed-point stream counts as overflowing: half of its range, 16,384. */
export const FIXED_POINT_STATUS_LIMIT = 2 ** 30;
/** Status word from which an f32 stream counts as overflowing: the bits of infinity. */
export const F32_STATUS_LIMIT = 0x7f80_0000;

/** Partial sums that `count` gradients need. */
export const squareSumsPartials = (count: number): number => ceilDiv(count, PER_GROUP);

export interface SquareSumsDims {
  /** Length of this gradient buffer. */
  readonly count: number;
  /** Where its partial sums start; it writes `squareSumsPartials(count)` of them. */
  readonly first: number;
  /** Partial sums of all gradient buffers. */
  readonly partials: number;
}

/** First stage, once per gradient buffer: sums of squares and counts of non-finite values. Shapes: shaders/global-norm.wgsl. */
export const squareSums = defineKernel<SquareSumsDims>({
  name: "global-norm:square_sums",
  entryPoint: "square_sums",
  sources,
  overrides: () => ({ WG: 256 }),
  params: { count: "u32", first: "u32" },
  bindings: {
    gradients: { access: "read", shape: (d) => [d.count] },
    blockFlags: { access: "read", type: "u32", shape: (d) => [ceilDiv(d.count, 64)] },
    partials: { access: "read_write", shape: (d) => [d.partials, 2] },
  },
  grid: (d) => lineGrid(squareSumsPartials(d.count)),
  cost: (d) => ({ flops: 2 * d.count, bytes: 4 * d.count }),
});

export interface GlobalNormDims {
  /** Partial sums to add up. */
  readonly count: number;
  /** The first of them. */
  readonly first: number;
  /** Partial sums that the buffer holds. */
  readonly partials: number;
  /** Largest norm that is not clipped; 0 clips nothing. */
  readonly maxNorm: number;
  /** The state holds the scale of the loss from step to step, and this kernel chooses the next. */
  readonly scaled: boolean;
  /** FIXED_POINT_STATUS_LIMIT or F32_STATUS_LIMIT. */
  readonly statusLimit: number;
  /** Rows of the results ring; the control's step chooses one. */
  readonly slots: number;
  /** Numbers per row of the ring. */
  readonly columns: number;
  /** Column of the norm; the fault goes into the next one. */
  readonly column: number;
}

/** Second stage: norm, clip factor and fault. Equation and shapes: shaders/global-norm.wgsl. */
export const globalNorm = defineKernel<GlobalNormDims>({
  name: "global-norm:finish",
  entryPoint: "finish",
  sources,
  overrides: ({ maxNorm, scaled, statusLimit, slots, columns, column }) => ({
    WG: 256,
    MAX_NORM: maxNorm,
    SCALED: Number(scaled),
    STATUS_LIMIT: statusLimit,
    SLOTS: slots,
    COLUMNS: columns,
    COLUMN: column,
  }),
  params: { count: "u32", first: "u32" },
  bindings: {
    status: { access: "read", type: "u32", shape: () => [64], optional: true },
    state: { access: "read_write", shape: () => [STATE.words] },
    partials: { access: "read_write", shape: (d) => [d.partials, 2] },
    results: { access: "read_write", shape: (d) => [d.slots, d.columns] },
    control: { access: "read", type: "u32", shape: () => [16] },
  },
  grid: () => [1, 1, 1],
  cost: (d) => ({ flops: d.count, bytes: 8 * d.count }),
});
