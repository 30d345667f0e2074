import source from "../../shaders/decode-append.wgsl?raw";
import control from "../../shaders/shared/control.wgsl?raw";
import { defineKernel } from "../gpu/kernel.js";
import { ceilDiv, lineGrid } from "../shapes.js";

export interface DecodeAppendDims {
  /** Independent rows: batch · heads, or batch · heads · rounds. */
  readonly rows: number;
  /** Tokens of a row to copy. */
  readonly length: number;
  /** Tokens that a row of the caches holds; tokens beyond it are left out. */
  readonly capacity: number;
  /** Words of a token. */
  readonly width: number;
  /** Whether the first token goes to the control buffer's position; else to 0. */
  readonly atPosition: boolean;
}

const from = (d: DecodeAppendDims) => [d.rows, d.length, d.width];
const to = (d: DecodeAppendDims) => [d.rows, d.capacity, d.width];

/** Copies two tensors of equal shape into their caches. Shapes and cost: shaders/decode-append.wgsl. */
export const decodeAppend = defineKernel<DecodeAppendDims>({
  name: "decode-append",
  sources: [control, source],
  overrides: (d) => ({ WIDTH: d.width, AT_POSITION: Number(d.atPosition) }),
  params: { rows: "u32", length: "u32", capacity: "u32" },
  bindings: {
    control: { access: "read", type: "u32", shape: () => [16] },
    rows: { access: "read", type: "u32", shape: from },
    otherRows: { access: "read", type: "u32", shape: from },
    cache: { access: "read_write", type: "u32", shape: to },
    otherCache: { access: "read_write", type: "u32", shape: to },
  },
  grid: (d) => lineGrid(ceilDiv(d.rows * d.length * d.width, 256)),
  cost: (d) => ({ flops: 0, bytes: 16 * d.rows * d.length * d.width }),
});
