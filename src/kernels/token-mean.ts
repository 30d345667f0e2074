import source from "../../shaders/token-mean.wgsl?raw";
import { defineKernel } from "../gpu/kernel.js";
import { ceilDiv, lineGrid } from "../shapes.js";

export interface TokenSharesDims {
  readonly batch: number;
  readonly length: number;
  /** Rows of x, and the token that the first of them belongs to. */
  readonly rows: number;
  readonly rowOffset: number;
}

export interface TokenMeanDims extends TokenSharesDims {
  readonly columns: number;
}

const params = { rows: "u32", rowOffset: "u32" } as const;
const sizes = ({ length, columns }: TokenMeanDims) => ({ LENGTH: length, COLUMNS: columns });
const rowsShape = ({ rows, columns }: TokenMeanDims) => [rows, columns];
const sharesShape = ({ batch, length }: TokenSharesDims) => [batch, length];
const meansShape = ({ batch, columns }: TokenMeanDims) => [batch, columns];
const cost = ({ rows, columns }: TokenMeanDims) => ({ flops: 2 * rows * columns, bytes: 4 * rows * columns });

/** What every token counts in the mean of its sequence; `masked`: some are padding. Specification: shaders/token-mean.wgsl. */
export const tokenShares = defineKernel<TokenSharesDims & { readonly masked: boolean }>({
  name: "token-mean:share",
  entryPoint: "share",
  sources: [source],
  overrides: (d) => ({ LENGTH: d.length, MASKED: Number(d.masked) }),
  params,
  bindings: {
    mask: { access: "read", type: "u32", shape: sharesShape, optional: true },
    out: { access: "write", shape: sharesShape },
  },
  grid: (d) => [d.batch, 1, 1],
  cost: (d) => ({ flops: 2 * d.batch * d.length, bytes: 8 * d.batch * d.length }),
});

/** means[batch, columns] (+)= the rows of x, each with its share. */
export const tokenMean = defineKernel<TokenMeanDims & { readonly add: boolean }>({
  name: "token-mean:pool",
  entryPoint: "pool",
  sources: [source],
  overrides: (d) => ({ ...sizes(d), ADD: Number(d.add) }),
  params,
  bindings: {
    shares: { access: "read", shape: sharesShape },
    x: { access: "read", shape: rowsShape },
    means: { access: "read_write", shape: meansShape },
  },
  grid: (d) => [ceilDiv(d.columns, 64), d.batch, 1],
  cost,
});

/** The gradient of x in `tokenMean`, written. */
export const tokenMeanBackward = defineKernel<TokenMeanDims>({
  name: "token-mean:spread",
  entryPoint: "spread",
  sources: [source],
  overrides: sizes,
  params,
  bindings: {
    shares: { access: "read", shape: sharesShape },
    dMeans: { access: "read", shape: meansShape },
    dx: { access: "write", shape: rowsShape },
  },
  grid: (d) => lineGrid(ceilDiv(d.rows * d.columns, 256)),
  cost,
});
