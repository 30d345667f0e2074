import control from "../../shaders/shared/control.wgsl?raw";
import dropout from "../../shaders/shared/dropout.wgsl?raw";
import masks from "../../shaders/shared/masks.wgsl?raw";
import words from "../../shaders/shared/stream.wgsl?raw";
import threefry from "../../shaders/shared/threefry.wgsl?raw";
import dropoutMaskSource from "../../shaders/stream.dropout-mask.wgsl?raw";
import source from "../../shaders/stream.wgsl?raw";
import { defineKernel } from "../gpu/kernel.js";
import { ceilDiv, lineGrid } from "../shapes.js";

export interface StreamDims {
  readonly count: number;
  /** The stream is int32 fixed point, else f32 bits. */
  readonly fixedPoint: boolean;
}

const count = (d: { readonly count: number }) => [d.count];
const line = (d: { readonly count: number }) => lineGrid(ceilDiv(d.count, 256));
const conversion = {
  sources: [words, source],
  overrides: (d: StreamDims) => ({ FIXED_POINT: Number(d.fixedPoint) }),
  params: { count: "u32" },
  grid: line,
  cost: (d: StreamDims) => ({ flops: 2 * d.count, bytes: 8 * d.count }),
} as const;

/** The stream words of x[count]. Specification: shaders/stream.wgsl. */
export const streamFromF32 = defineKernel<StreamDims>({
  ...conversion,
  name: "stream:from-f32",
  entryPoint: "from_f32",
  bindings: { x: { access: "read", shape: count }, stream: { access: "write", type: "i32", shape: count } },
});

/** The values of the stream words[count]. */
export const streamToF32 = defineKernel<StreamDims>({
  ...conversion,
  name: "stream:to-f32",
  entryPoint: "to_f32",
  bindings: { words: { access: "read", type: "i32", shape: count }, out: { access: "write", shape: count } },
});

/** out[count] += x[count], in f32. */
export const addTensors = defineKernel<{ readonly count: number }>({
  name: "stream:add",
  entryPoint: "add",
  sources: [words, source],
  overrides: () => ({ FIXED_POINT: 0 }),
  params: { count: "u32" },
  bindings: { x: { access: "read", shape: count }, out: { access: "read_write", shape: count } },
  grid: line,
  cost: (d) => ({ flops: d.count, bytes: 12 * d.count }),
});

/** mean[count] = the stream words of half the sum of two streams. */
export const averageStreams = defineKernel<StreamDims>({
  ...conversion,
  name: "stream:average",
  entryPoint: "average",
  bindings: {
    words: { access: "read", type: "i32", shape: count },
    others: { access: "read", type: "i32", shape: count },
    mean: { access: "write", type: "i32", shape: count },
  },
});

/** values[count] /= 2: the gradient of the mean of two. */
export const halve = defineKernel<{ readonly count: number }>({
  name: "stream:halve",
  entryPoint: "halve",
  sources: [words, source],
  overrides: () => ({ FIXED_POINT: 0 }),
  params: { count: "u32" },
  bindings: { values: { access: "read_write", shape: count } },
  grid: line,
  cost: (d) => ({ flops: d.count, bytes: 8 * d.count }),
});

export interface DropoutMaskDims {
  readonly rows: number;
  readonly columns: number;
  /** 0 none (a copy), 1 seeded, 2 by the `keep` mask. */
  readonly dropout: 0 | 1 | 2;
  readonly dropoutRate: number;
  readonly site: number;
  /** Token of the first row, for the mask. */
  readonly rowOffset: number;
  /** Rows of `keep`: all tokens. Default: `rows`. */
  readonly keepRows?: number;
}

/** out = dropout(x), of values or of their gradients. Specification: shaders/stream.dropout-mask.wgsl. */
export const dropoutMask = defineKernel<DropoutMaskDims>({
  name: "stream:dropout-mask",
  sources: [control, threefry, dropout, masks, dropoutMaskSource],
  overrides: (d) => ({ DROPOUT: d.dropout }),
  params: { rows: "u32", columns: "u32", rowOffset: "u32", site: "u32", dropoutRate: "f32" },
  bindings: {
    x: { access: "read", shape: (d) => [d.rows, d.columns] },
    keep: { access: "read", type: "u32", shape: (d) => [d.keepRows ?? d.rows, d.columns], optional: true },
    control: { access: "read", type: "u32", shape: () => [16], optional: true },
    out: { access: "write", shape: (d) => [d.rows, d.columns] },
  },
  grid: (d) => lineGrid(ceilDiv(d.rows * d.columns, 256)),
  cost: (d) => ({ flops: d.rows * d.columns, bytes: 8 * d.rows * d.columns }),
});
