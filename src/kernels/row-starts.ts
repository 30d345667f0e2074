import source from "../../shaders/row-starts.wgsl?raw";
import { defineKernel } from "../gpu/kernel.js";
import { ceilDiv, lineGrid } from "../shapes.js";

export interface RowStartsDims {
  /** Rows of the whole matrix. */
  readonly rows: number;
  /** Elements of a row; rows · columns is at most 2^32 − 1. */
  readonly columns: number;
  /** Elements wanted of each row, from its first. */
  readonly count: number;
  /** Elements of the matrix before this slab. */
  readonly offset: number;
  /** Elements of this slab. */
  readonly size: number;
}

const common = {
  sources: [source],
  overrides: ({ columns, count }: RowStartsDims) => ({ COLUMNS: columns, COUNT: count }),
  params: { rows: "u32", offset: "u32", size: "u32" },
} as const;

/** starts ← the first elements of the rows that this slab holds; words of any type. Shapes: shaders/row-starts.wgsl. */
export const takeRowStarts = defineKernel<RowStartsDims>({
  ...common,
  name: "row-starts:take",
  entryPoint: "take",
  bindings: {
    x: { access: "read", type: "i32", shape: (d) => [d.size] },
    starts: { access: "read_write", type: "i32", shape: (d) => [d.rows, d.count] },
  },
  grid: (d) => lineGrid(ceilDiv(d.rows * d.count, 256)),
  cost: (d) => ({ flops: 0, bytes: 8 * d.rows * d.count }),
});

/** A slab of zeros but for the first elements of its rows: the gradient of `takeRowStarts`. */
export const putRowStarts = defineKernel<RowStartsDims>({
  ...common,
  name: "row-starts:put",
  entryPoint: "put",
  bindings: {
    dStarts: { access: "read", shape: (d) => [d.rows, d.count] },
    dx: { access: "write", shape: (d) => [d.size] },
  },
  grid: (d) => lineGrid(ceilDiv(d.size, 256)),
  cost: (d) => ({ flops: 0, bytes: 4 * (d.size + d.rows * d.count) }),
});
