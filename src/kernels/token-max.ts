import source from "../../shaders/token-max.wgsl?raw";
import { defineKernel } from "../gpu/kernel.js";
import { ceilDiv, lineGrid } from "../shapes.js";

export interface TokenMaxDims {
  readonly batch: number;
  readonly length: number;
  readonly columns: number;
  /** Rows of x, and the token that the first of them belongs to. */
  readonly rows: number;
  readonly rowOffset: number;
}

const params = { rows: "u32", rowOffset: "u32" } as const;
const sizes = ({ length, columns }: TokenMaxDims) => ({ LENGTH: length, COLUMNS: columns });
const rowsShape = ({ rows, columns }: TokenMaxDims) => [rows, columns];
const pooledShape = ({ batch, columns }: TokenMaxDims) => [batch, columns];
const cost = ({ rows, columns }: TokenMaxDims) => ({ flops: rows * columns, bytes: 4 * rows * columns });

/** The largest of every column over the real tokens, and where it is; `add`: after earlier rows. Specification: shaders/token-max.wgsl. */
export const tokenMax = defineKernel<TokenMaxDims & { readonly add: boolean; readonly masked: boolean }>({
  name: "token-max:pool",
  entryPoint: "pool",
  sources: [source],
  overrides: (d) => ({ ...sizes(d), MASKED: Number(d.masked), ADD: Number(d.add) }),
  params,
  bindings: {
    mask: { access: "read", type: "u32", shape: (d) => [d.batch, d.length], optional: true },
    x: { access: "read", shape: rowsShape },
    maxima: { access: "read_write", shape: pooledShape },
    places: { access: "read_write", type: "u32", shape: pooledShape },
  },
  grid: (d) => [ceilDiv(d.columns, 64), d.batch, 1],
  cost,
});

/** The gradient of x in `tokenMax`, written: it goes to the places alone. */
export const tokenMaxBackward = defineKernel<TokenMaxDims>({
  name: "token-max:spread",
  entryPoint: "spread",
  sources: [source],
  overrides: sizes,
  params,
  bindings: {
    dMaxima: { access: "read", shape: pooledShape },
    rows: { access: "read", type: "u32", shape: pooledShape },
    dx: { access: "write", shape: rowsShape },
  },
  grid: (d) => lineGrid(ceilDiv(d.rows * d.columns, 256)),
  cost,
});
