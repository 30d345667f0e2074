// Products for the tests of matmul, their inputs, and what halves add to their errors.
import { expect } from "vitest";
import { type MatmulDims, matmul, matmulDims, matmulResidual } from "../../src/kernels/matmul.js";
import { chooseVariant, usableVariants } from "../../src/scheduler/variants.js";
import { getDevice } from "./device.js";
import { call, profileOf, runKernel, type TypedArray } from "./run-kernel.js";
import { controlWords, floatWords, normals, seededKeep, streamWords } from "./values.js";

export type Given = Parameters<typeof matmulDims>[0];

export const STEP = 2 ** -16;
/** A slab of 20 rows with dropout, of which the first is token 11. */
export const SLAB = {
  m: 20,
  n: 40,
  k: 37,
  bias: true,
  dropout: 1,
  dropoutRate: 0.3,
  site: 5,
  rowOffset: 11,
} as const;

/** Two sequences of 45 tokens, 3 heads of 8: a matrix of 90 rows and 24 columns. */
export const heads = { batch: 2, heads: 3, length: 45, headSize: 8 };

export const HEADS_OF_HALVES = "a slab of A in heads layout";
export const CASES: readonly (readonly [why: string, given: Given])[] = [
  ["one element", { m: 1, n: 1, k: 1 }],
  ["few rows", { m: 7, n: 19, k: 37 }],
  [
    "few rows, dropped, into a stream",
    {
      m: 7,
      n: 19,
      k: 37,
      transposeA: true,
      transposeB: true,
      store: "residualAdd",
      fixedPoint: true,
      dropout: 1,
      dropoutRate: 0.2,
      site: 2,
    },
  ],
  ["whole tiles, K of one step", { m: 64, n: 128, k: 16 }],
  ["partial tiles and K not a multiple of the step", { m: 67, n: 130, k: 37 }],
  ["A transposed, adding", { m: 67, n: 130, k: 37, transposeA: true, store: "add" }],
  ["B transposed, bias and gelu", { m: 67, n: 40, k: 37, transposeB: true, bias: true, activation: "gelu" }],
  ["both transposed", { m: 67, n: 70, k: 37, transposeA: true, transposeB: true }],
  [HEADS_OF_HALVES, { ...heads, m: 50, n: 33, k: 24, aHeads: true, rowOffset: 21 }],
  ["A in heads layout, transposed", { ...heads, m: 24, n: 33, k: 90, aHeads: true, transposeA: true }],
  ["B in heads layout", { ...heads, m: 33, n: 24, k: 50, bHeads: true, rowOffset: 21 }],
  [
    "B in heads layout, transposed",
    { ...heads, m: 5, n: 50, k: 24, bHeads: true, transposeB: true, rowOffset: 40 },
  ],
  ["C in heads layout", { ...heads, m: 90, n: 24, k: 33, cHeads: true, transposeB: true }],
  ["adding to a slab of C", { ...heads, m: 50, n: 24, k: 33, cHeads: true, rowOffset: 21, store: "add" }],
  [
    "B is columns of a wider matrix, transposed, A in heads layout, into a stream",
    {
      ...heads,
      ...{ m: 50, n: 33, k: 24, aHeads: true, rowOffset: 21, transposeB: true },
      ...{ columnsOf: "b", width: 71, firstColumn: 40, store: "residualAdd", fixedPoint: true },
    },
  ],
  [
    "B is columns of a wider matrix",
    { m: 67, n: 40, k: 37, columnsOf: "b", width: 90, firstColumn: 50, bias: true },
  ],
  ["few rows, columns of B", { m: 7, n: 19, k: 37, columnsOf: "b", width: 20, firstColumn: 1 }],
  [
    "few rows, columns of B, transposed",
    { m: 7, n: 19, k: 37, transposeB: true, columnsOf: "b", width: 50, firstColumn: 13 },
  ],
  [
    "adding to columns of C, B in heads layout",
    {
      ...heads,
      ...{ m: 33, n: 24, k: 50, transposeA: true, bHeads: true, rowOffset: 21, store: "add" },
      ...{ columnsOf: "c", width: 60, firstColumn: 30 },
    },
  ],
  ["columns of C", { m: 67, n: 70, k: 37, columnsOf: "c", width: 100, firstColumn: 30 }],
  ["few rows, columns of C", { m: 5, n: 9, k: 37, columnsOf: "c", width: 11, firstColumn: 1, store: "add" }],
  ["seeded dropout of a slab", SLAB],
  ["the gradient of dropout and gelu", { ...SLAB, bias: false, activation: "gelu", gradient: true }],
  ["the gradient of relu, few rows", { m: 7, n: 19, k: 37, activation: "relu", gradient: true }],
  [
    "given mask of a slab",
    { m: 20, n: 40, k: 37, dropout: 2, dropoutRate: 0.25, batch: 2, length: 20, rowOffset: 13 },
  ],
  ["fixed-point residual add", { m: 67, n: 40, k: 37, store: "residualAdd", fixedPoint: true, bias: true }],
  ["f32 residual add", { m: 67, n: 40, k: 37, store: "residualAdd" }],
  ["f32 residual subtract", { m: 67, n: 40, k: 37, store: "residualSub" }],
];

/** Operands in fours; the first and the third for the forms of halves too. */
export const FOURS: typeof CASES = [
  ["tiles of both sizes, partial ones", { m: 140, n: 72, k: 36, bias: true, activation: "gelu" }],
  ["fours of A transposed, adding", { m: 140, n: 72, k: 37, transposeA: true, store: "add" }],
  ["fours of B transposed, into a stream", { m: 135, n: 70, k: 52, transposeB: true, store: "residualAdd" }],
  ["fours of both transposed", { m: 132, n: 67, k: 36, transposeA: true, transposeB: true }],
  [
    "slabs of A and B in heads layout, B transposed",
    { ...heads, m: 50, n: 36, k: 24, aHeads: true, bHeads: true, transposeB: true, rowOffset: 21 },
  ],
  [
    "slabs of A and B in heads layout, A transposed",
    { ...heads, m: 24, n: 24, k: 52, aHeads: true, transposeA: true, bHeads: true, rowOffset: 21 },
  ],
  [
    "B is fours of columns of a wider matrix",
    { m: 140, n: 72, k: 37, transposeA: true, columnsOf: "b", width: 100, firstColumn: 24 },
  ],
  [
    "B is fours of columns of a wider matrix, transposed, A in heads layout",
    {
      ...{ ...heads, m: 50, n: 33, k: 24, aHeads: true, rowOffset: 21, transposeB: true },
      ...{ columnsOf: "b", width: 72, firstColumn: 48 },
    },
  ],
  [
    "adding to columns of C, of any width",
    { m: 132, n: 72, k: 36, store: "add", columnsOf: "c", width: 101, firstColumn: 27 },
  ],
];

export const isResidual = (d: MatmulDims) => d.store.startsWith("residual");

/** Inputs of a case, and its `out` before the run as numbers. */
export function inputs(d: MatmulDims) {
  const tokens = d.batch * d.heads * d.length * d.headSize;
  const outSize = d.cHeads ? tokens : d.splits * d.m * (d.columnsOf === "c" ? d.width : d.n);
  const sizeB = d.columnsOf === "b" ? (d.transposeB ? d.n : d.k) * d.width : d.k * d.n;
  const out = !isResidual(d) || !d.fixedPoint ? normals(outSize, 4) : streamWords(outSize, 4);
  const values: Record<string, TypedArray> = {
    a: normals(d.aHeads ? tokens : d.m * d.k, 1),
    b: normals(d.bHeads ? tokens : sizeB, 2),
    out: isResidual(d) && !d.fixedPoint ? floatWords(out as Float32Array) : out,
  };
  const control = controlWords([7, 8], 9);
  if (d.bias) values.bias = normals(d.n, 3);
  if (d.gradient) values.before = normals(d.m * d.n, 5, 2);
  if (d.dropout === 1) values.control = control;
  if (d.dropout === 2) values.keep = seededKeep(control, 1, d.dropoutRate, d.batch * d.length, d.n);
  const keep =
    d.dropout === 1
      ? seededKeep(control, d.site, d.dropoutRate, d.rowOffset + d.m, d.n)
      : (values.keep as Uint32Array | undefined);
  const outBefore = out instanceof Int32Array ? Float64Array.from(out, (word) => word * STEP) : out;
  return { values, keep, outBefore };
}

export const device = await getDevice();
export const FORMS = usableVariants(
  call(matmul, matmulDims({ m: 64, n: 64, k: 64 })).kernel,
  matmulDims({ m: 64, n: 64, k: 64 }),
  profileOf(device),
);
export const HALF_FORMS = FORMS.filter(({ rounds }) => rounds).map(({ name }) => name);

export function run(d: MatmulDims, values: Record<string, TypedArray>, variant: string) {
  const kernel = isResidual(d) ? matmulResidual : matmul;
  const variants = { matmul: variant, "matmul:residual": variant };
  const chosen = chooseVariant(call(kernel, d).kernel, d, profileOf(device, { variants }));
  expect(chosen.name).toBe(variant);
  return runKernel(kernel, d, values, { device, variants });
}

export const WHY_HALVES =
  "operands rounded to the nearest half: (2·2^-11 + 2^-22)·Σ|a·b|, and 2^-25 for each one below 2^-14, times the other; masks below 2";

/** What rounding the operands to halves adds to the error of an element whose terms have magnitudes that sum to `magnitude`. */
export function halvesBound(d: MatmulDims, a: Float32Array, b: Float32Array) {
  const largest = (values: Float32Array) => values.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
  const below = 2 * d.k * 2 ** -25 * (largest(a) + largest(b) + 2 ** -25);
  return (magnitude: number) => (2 ** -10 + 2 ** -22) * magnitude + below;
}
