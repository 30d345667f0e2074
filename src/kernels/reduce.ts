import columnSumsSource from "../../shaders/reduce.column-sums.wgsl?raw";
import source from "../../shaders/reduce.wgsl?raw";
import { defineKernel } from "../gpu/kernel.js";
import { ceilDiv, lineGrid } from "../shapes.js";

export interface SumPartialsDims {
  readonly parts: number;
  readonly count: number;
  /** Adds to `out` instead of overwriting it. */
  readonly add: boolean;
  /** The sums are a matrix of `columns` columns, and `out` is one of `width`, of which the sums' begin at `first`. */
  readonly within?: { readonly columns: number; readonly width: number; readonly first: number } | undefined;
}

const outCount = ({ count, within }: SumPartialsDims) =>
  within ? (count / within.columns) * within.width : count;

/** Invocations that share one element's sum: many where there are many parts to read one after another. */
const lanes = (parts: number) => (parts < 32 ? 1 : 16);

/** out[count] (+)= Σ_p partials[p, count]. Specification: shaders/reduce.wgsl. */
export const sumPartials = defineKernel<SumPartialsDims>({
  name: "reduce",
  sources: [source],
  overrides: ({ parts, add, within }) => ({
    LANES: lanes(parts),
    ADD: Number(add),
    WIDE: Number(within !== undefined),
    COLUMNS: within?.columns ?? 1,
    WIDTH: within?.width ?? 1,
    FIRST: within?.first ?? 0,
  }),
  params: { parts: "u32", count: "u32" },
  bindings: {
    partials: { access: "read", shape: (d) => [d.parts, d.count] },
    out: { access: "read_write", shape: (d) => [outCount(d)] },
  },
  grid: (d) => lineGrid(ceilDiv(d.count * lanes(d.parts), 256)),
  cost: (d) => ({ flops: d.parts * d.count, bytes: 4 * (d.parts + 1 + Number(d.add)) * d.count }),
});

export interface ColumnSumsDims {
  readonly rows: number;
  readonly columns: number;
  /** Rows of one partial sum. */
  readonly rowsPerPart: number;
}

const parts = (d: ColumnSumsDims) => ceilDiv(d.rows, d.rowsPerPart);

/**
 * Sums of the columns of x[rows, columns] over parts of its rows, for `sumPartials`. The sum of a vector is that of a
 * matrix of one column. Specification: shaders/reduce.column-sums.wgsl.
 */
export const columnSums = defineKernel<ColumnSumsDims>({
  name: "reduce:column-sums",
  sources: [columnSumsSource],
  overrides: () => ({}),
  params: { rows: "u32", columns: "u32", rowsPerPart: "u32" },
  bindings: {
    x: { access: "read", shape: (d) => [d.rows, d.columns] },
    partials: { access: "write", shape: (d) => [parts(d), d.columns] },
  },
  grid: (d) => [ceilDiv(d.columns, 64), parts(d), 1],
  cost: (d) => ({ flops: d.rows * d.columns, bytes: 4 * (d.rows + parts(d)) * d.columns }),
});
