import source from "../../shaders/decode-insert.wgsl?raw";
import control from "../../shaders/shared/control.wgsl?raw";
import { defineKernel } from "../gpu/kernel.js";
import { lineGrid } from "../shapes.js";

export interface DecodeInsertDims {
  /** Independent orders: batch · heads · rounds. */
  readonly rows: number;
  /** Tokens that an order may hold. */
  readonly capacity: number;
}

const cached = (d: DecodeInsertDims) => [d.rows, d.capacity];

/** Inserts a new token into the tokens sorted by bucket. Rules and shapes: shaders/decode-insert.wgsl. */
export const decodeInsert = defineKernel<DecodeInsertDims>({
  name: "decode-insert",
  sources: [control, source],
  overrides: () => ({}),
  params: { rows: "u32", capacity: "u32" },
  bindings: {
    control: { access: "read", type: "u32", shape: () => [16] },
    newIds: { access: "read", type: "u32", shape: (d) => [d.rows] },
    ids: { access: "read_write", type: "u32", shape: cached },
    order: { access: "read_write", type: "u32", shape: cached },
    ranks: { access: "write", type: "u32", shape: (d) => [d.rows] },
  },
  grid: (d) => lineGrid(d.rows),
  cost: (d) => ({ flops: d.rows * d.capacity, bytes: 8 * d.rows * d.capacity }),
});
