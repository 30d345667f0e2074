import backwardSource from "../../shaders/layer-norm.backward.wgsl?raw";
import pairBackwardSource from "../../shaders/layer-norm.pair-backward.wgsl?raw";
import source from "../../shaders/layer-norm.wgsl?raw";
import backward from "../../shaders/shared/layer-norm-backward.wgsl?raw";
import rowSum from "../../shaders/shared/row-sum.wgsl?raw";
import stream from "../../shaders/shared/stream.wgsl?raw";
import { defineKernel } from "../gpu/kernel.js";
import { ceilDiv, lineGrid } from "../shapes.js";

export interface LayerNormDims {
  readonly rows: number;
  /** Columns of one stream. */
  readonly size: number;
  /** The row is x1 and x2 side by side. */
  readonly pair: boolean;
  readonly eps: number;
  readonly fixedPoint: boolean;
  /** Forward: word of `status` that keeps the largest |stream word|, below 64. */
  readonly slot: number;
  /** Backward: rows of one partial sum of the gradients of gamma and beta. At most 1024. */
  readonly rowsPerPart: number;
}

const ROWS_PER_GROUP = 4;
const width = (d: LayerNormDims) => (d.pair ? 2 * d.size : d.size);
const parts = (d: LayerNormDims) => ceilDiv(d.rows, d.rowsPerPart);
const overrides = (d: LayerNormDims) => ({ SIZE: d.size, EPS: d.eps, FIXED_POINT: Number(d.fixedPoint) });
const backwardOverrides = (d: LayerNormDims) => ({
  ...overrides(d),
  COLUMNS: width(d),
  ROWS_PER_PART: d.rowsPerPart,
});
const streamShape = (d: LayerNormDims) => [d.rows, d.size];
const rowShape = (d: LayerNormDims) => [d.rows, width(d)];

/** Layer norm of a residual stream, or of two side by side. Specification: shaders/layer-norm.wgsl. */
export const layerNorm = defineKernel<LayerNormDims>({
  name: "layer-norm",
  sources: [stream, rowSum, source],
  overrides: (d) => ({ ...overrides(d), PAIR: Number(d.pair) }),
  params: { rows: "u32", slot: "u32" },
  bindings: {
    x1: { access: "read", type: "i32", shape: streamShape },
    x2: { access: "read", type: "i32", shape: streamShape, optional: true },
    gamma: { access: "read", shape: (d) => [width(d)] },
    beta: { access: "read", shape: (d) => [width(d)] },
    out: { access: "write", shape: rowShape },
    status: { access: "read_write", type: "u32", shape: () => [64] },
  },
  grid: (d) => lineGrid(ceilDiv(d.rows, ROWS_PER_GROUP)),
  cost: (d) => ({ flops: 8 * d.rows * width(d), bytes: 8 * d.rows * width(d) }),
});

/** Adds to a stream's gradient; partial sums of the gradients of gamma and beta. Specification: shaders/layer-norm.backward.wgsl. */
export const layerNormBackward = defineKernel<LayerNormDims>({
  name: "layer-norm:backward",
  sources: [stream, rowSum, backward, backwardSource],
  overrides: backwardOverrides,
  params: { rows: "u32" },
  bindings: {
    x: { access: "read", type: "i32", shape: streamShape },
    gamma: { access: "read", shape: (d) => [width(d)] },
    dOut: { access: "read", shape: rowShape },
    dx: { access: "read_write", shape: streamShape },
    dGammaParts: { access: "write", shape: (d) => [parts(d), width(d)] },
    dBetaParts: { access: "write", shape: (d) => [parts(d), width(d)] },
  },
  supports: (d) => !d.pair,
  grid: (d) => lineGrid(parts(d)),
  cost: (d) => ({ flops: 20 * d.rows * width(d), bytes: 16 * d.rows * width(d) }),
});

/** Writes the gradients of two streams; else as `layerNormBackward`. Specification: shaders/layer-norm.pair-backward.wgsl. */
export const layerNormPairBackward = defineKernel<LayerNormDims>({
  name: "layer-norm:pair-backward",
  sources: [stream, rowSum, backward, pairBackwardSource],
  overrides: backwardOverrides,
  params: { rows: "u32" },
  bindings: {
    x1: { access: "read", type: "i32", shape: streamShape },
    x2: { access: "read", type: "i32", shape: streamShape },
    gamma: { access: "read", shape: (d) => [width(d)] },
    dOut: { access: "read", shape: rowShape },
    dx1: { access: "write", shape: streamShape },
    dx2: { access: "write", shape: streamShape },
    dGammaParts: { access: "write", shape: (d) => [parts(d), width(d)] },
    dBetaParts: { access: "write", shape: (d) => [parts(d), width(d)] },
  },
  supports: (d) => d.pair,
  grid: (d) => lineGrid(parts(d)),
  cost: (d) => ({ flops: 20 * d.rows * width(d), bytes: 12 * d.rows * width(d) }),
});
