import backwardSource from "../../shaders/layer-norm.backward.wgsl?raw";
import pairBackwardSource from "../../shaders/layer-norm.pair-backward.wgsl?raw";
import source from "../../shaders/layer-norm.wgsl?raw";
import halves from "../../shaders/shared/halves.wgsl?raw";
import backward from "../../shaders/shared/layer-norm-backward.wgsl?raw";
import rowAlone from "../../shaders/shared/row-alone.wgsl?raw";
import rowSum from "../../shaders/shared/row-sum.wgsl?raw";
import stream from "../../shaders/shared/stream.wgsl?raw";
import { bytesOf, defineKernel, type Kernel, type Storage, storedAs, storedName } from "../gpu/kernel.js";
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

/** How rows are summed: by 64 lanes each, 4 rows in a workgroup, or by an invocation each, 64 in a workgroup. */
const SUMS = { shared: { source: rowSum, rows: 4 }, alone: { source: rowAlone, rows: 64 } } as const;
type Sum = keyof typeof SUMS;
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

const forwardForm = (sum: Sum, storage: Storage) => ({
  sources: [
    `alias Out = ${storage === "half" ? "u32" : "f32"};`,
    ...[stream, halves, SUMS[sum].source, source],
  ],
  overrides: (d: LayerNormDims) => ({
    ...overrides(d),
    PAIR: Number(d.pair),
    HALVES: Number(storage === "half"),
  }),
  grid: (d: LayerNormDims) => lineGrid(ceilDiv(d.rows, SUMS[sum].rows)),
});

function forward(storage: Storage): Kernel<LayerNormDims> {
  return defineKernel<LayerNormDims>({
    name: storedName("layer-norm", storage),
    ...forwardForm("shared", storage),
    variants: [{ name: "alone", ...forwardForm("alone", storage), software: true }],
    params: { rows: "u32", slot: "u32" },
    bindings: {
      x1: { access: "read", type: "i32", shape: streamShape },
      x2: { access: "read", type: "i32", shape: streamShape, optional: true },
      gamma: { access: "read", shape: (d) => [width(d)] },
      beta: { access: "read", shape: (d) => [width(d)] },
      out: { access: "write", ...storedAs(storage, rowShape) },
      status: { access: "read_write", type: "u32", shape: () => [64] },
    },
    cost: (d) => ({
      flops: 8 * d.rows * width(d),
      bytes: (4 + bytesOf(storage)) * d.rows * width(d),
    }),
  });
}

/** Layer norm of a residual stream, or of two side by side. Specification: shaders/layer-norm.wgsl. */
export const layerNorm = forward("f32");
/** The same, stored as halves; rows of an even number of columns. */
export const layerNormHalf = forward("half");

const backwardForm = (sum: Sum, entry: string, pair: boolean) => ({
  sources: [stream, SUMS[sum].source, backward, entry],
  overrides: backwardOverrides,
  supports: (d: LayerNormDims) => d.pair === pair,
  grid: (d: LayerNormDims) => lineGrid(parts(d)),
});

/** Adds to a stream's gradient; partial sums of the gradients of gamma and beta. Specification: shaders/layer-norm.backward.wgsl. */
export const layerNormBackward = defineKernel<LayerNormDims>({
  name: "layer-norm:backward",
  ...backwardForm("shared", backwardSource, false),
  variants: [{ name: "alone", ...backwardForm("alone", backwardSource, false), software: true }],
  params: { rows: "u32" },
  bindings: {
    x: { access: "read", type: "i32", shape: streamShape },
    gamma: { access: "read", shape: (d) => [width(d)] },
    dOut: { access: "read", shape: rowShape },
    dx: { access: "read_write", shape: streamShape },
    dGammaParts: { access: "write", shape: (d) => [parts(d), width(d)] },
    dBetaParts: { access: "write", shape: (d) => [parts(d), width(d)] },
  },
  cost: (d) => ({ flops: 20 * d.rows * width(d), bytes: 16 * d.rows * width(d) }),
});

/** Writes the gradients of two streams; else as `layerNormBackward`. Specification: shaders/layer-norm.pair-backward.wgsl. */
export const layerNormPairBackward = defineKernel<LayerNormDims>({
  name: "layer-norm:pair-backward",
  ...backwardForm("shared", pairBackwardSource, true),
  variants: [{ name: "alone", ...backwardForm("alone", pairBackwardSource, true), software: true }],
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
  cost: (d) => ({ flops: 20 * d.rows * width(d), bytes: 12 * d.rows * width(d) }),
});
