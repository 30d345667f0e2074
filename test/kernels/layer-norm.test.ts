import { describe, expect, test } from "vitest";
import {
  type LayerNormDims,
  layerNorm,
  layerNormBackward,
  layerNormHalf,
  layerNormPairBackward,
} from "../../src/kernels/layer-norm.js";
import * as oracle from "../oracle/layer-norm.js";
import { type Bound, expectClose, U32 } from "../support/close.js";
import { runKernel } from "../support/run-kernel.js";
import { floatWords, normals, ofHalves, streamWords } from "../support/values.js";

const CASES: readonly (readonly [why: string, dims: Partial<LayerNormDims> & { rows: number }])[] = [
  ["one row", { rows: 1, size: 40 }],
  ["rows that fill no workgroup, parts that fill no row group", { rows: 23, size: 40, rowsPerPart: 6 }],
  ["more columns than lanes", { rows: 70, size: 300, rowsPerPart: 64 }],
  ["a pair of streams", { rows: 23, size: 40, pair: true, rowsPerPart: 6 }],
  ["f32 streams", { rows: 23, size: 40, fixedPoint: false, rowsPerPart: 6 }],
  ["a pair of f32 streams", { rows: 9, size: 40, pair: true, fixedPoint: false, rowsPerPart: 6 }],
];

const complete = (dims: Partial<LayerNormDims> & { rows: number }): LayerNormDims => ({
  size: 40,
  pair: false,
  eps: 1e-12,
  fixedPoint: true,
  slot: 3,
  rowsPerPart: 6,
  ...dims,
});

/** Streams with mean 0.5; row 0 of a larger case is constant. */
function inputs(d: LayerNormDims) {
  const columns = d.pair ? 2 * d.size : d.size;
  const streamOf = (seed: number) => {
    const words = d.fixedPoint
      ? streamWords(d.rows * d.size, seed, 3).map((w) => w + 2 ** 15)
      : floatWords(normals(d.rows * d.size, seed, 3).map((v) => v + 0.5));
    if (d.rows > 1)
      words.fill(d.fixedPoint ? 98_765 : (floatWords(Float32Array.of(1.507))[0] as number), 0, d.size);
    return words;
  };
  const x1 = streamOf(1);
  const x2 = streamOf(2);
  const numbers = (words: Int32Array) =>
    d.fixedPoint ? Float64Array.from(words, (w) => w / 2 ** 16) : new Float32Array(words.slice().buffer);
  const sides = [numbers(x1), ...(d.pair ? [numbers(x2)] : [])];
  const x = Float64Array.from(
    { length: d.rows * columns },
    (_, i) => sides[Math.floor((i % columns) / d.size)]![Math.floor(i / columns) * d.size + (i % d.size)]!,
  );
  const gamma = normals(columns, 3).map((g) => 1 + 0.2 * g);
  const beta = normals(columns, 4);
  const dOut = normals(d.rows * columns, 5);
  return { columns, x1, x2, x, gamma, beta, dOut };
}

const FORMS = layerNorm.variants.map(({ name }) => name);

/**
 * Error analysis of one row. Sums of N roundings, ⌈D/64⌉ + 7 in the plain form and D in the other: the mean is off by
 * N·u·mean|x|, so x̂ by N·u·(scale·mean|x| + |x̂|), with `size` bounding scale·mean|x| + max|x̂|.
 */
function rowErrors({ columns, x }: ReturnType<typeof inputs>, d: LayerNormDims, form: string) {
  const sizes = { rows: d.rows, columns, eps: d.eps };
  const ones = new Float64Array(columns).fill(1);
  const normalized = oracle.layerNorm(sizes, x, ones, new Float64Array(columns));
  const rows = Array.from({ length: d.rows }, (_, t) => {
    const row = x.subarray(t * columns, (t + 1) * columns);
    const mean = row.reduce((sum, v) => sum + v, 0) / columns;
    const scale = 1 / Math.sqrt(row.reduce((sum, v) => sum + (v - mean) ** 2, 0) / columns + d.eps);
    const meanSize = row.reduce((sum, v) => sum + Math.abs(v), 0) / columns;
    const largest = normalized
      .subarray(t * columns, (t + 1) * columns)
      .reduce((m, v) => Math.max(m, Math.abs(v)), 0);
    return { scale, size: scale * meanSize + largest };
  });
  return { rows, roundings: form === "plain" ? Math.ceil(columns / 64) + 7 : columns, normalized };
}

describe.each(FORMS)("%s form", (form) => {
  const variants = Object.fromEntries(
    [layerNorm, layerNormHalf, layerNormBackward, layerNormPairBackward].map(({ name }) => [name, form]),
  );

  test.each(CASES)("layerNorm(): %s", async (_why, given) => {
    const d = complete(given);
    const values = inputs(d);
    const { columns, x1, x2, x, gamma, beta } = values;
    const status = Uint32Array.from({ length: 64 }, (_, i) => i);
    const run = () =>
      runKernel(layerNorm, d, { x1, gamma, beta, status, ...(d.pair ? { x2 } : {}) }, { variants });
    const { out, status: after } = await run();
    const expected = oracle.layerNorm({ rows: d.rows, columns, eps: d.eps }, x, gamma, beta);
    const { rows, roundings } = rowErrors(values, d, form);
    const bound: Bound = {
      why: "x̂ is off by (N + 8)·u·size of its row; one product with gamma, one sum with beta",
      at: (i) => {
        const g = Math.abs(gamma[i % columns]!);
        const b = Math.abs(beta[i % columns]!);
        return U32 * ((roundings + 8) * g * rows[Math.floor(i / columns)]!.size + 2 * b);
      },
    };
    expectClose(out!, expected, bound, "out");
    const words = [...x1, ...(d.pair ? x2 : [])];
    const top = Math.max(...words.map((w) => (d.fixedPoint ? Math.abs(w) : w & 0x7fffffff)));
    expect([...after!]).toEqual([...status].map((word, i) => (i === d.slot ? top : word)));
    expect((await run()).out).toEqual(out);

    const tensors = { x1, gamma, beta, status, ...(d.pair ? { x2 } : {}) };
    const halves = await runKernel(layerNormHalf, d, tensors, { variants });
    const rounded: Bound = {
      why: `${bound.why}; rounded to the nearest half: 2^-11 of itself, or 2^-25`,
      at: (i) => bound.at(i) * (1 + 2 ** -11) + 2 ** -11 * Math.abs(expected[i]!) + 2 ** -25,
    };
    expectClose(ofHalves(halves.out!), expected, rounded, "halves");
    expect(halves.status).toEqual(after);
  });

  test.each(CASES)("layerNormBackward(): %s", async (_why, given) => {
    const d = complete(given);
    const values = inputs(d);
    const { columns, x1, x2, x, gamma, dOut } = values;
    const before = normals(d.rows * d.size, 6);
    const run = () =>
      d.pair
        ? runKernel(layerNormPairBackward, d, { x1, x2, gamma, dOut }, { variants })
        : runKernel(layerNormBackward, d, { x: x1, gamma, dOut, dx: before }, { variants });
    const result = await run();
    const { rowsPerPart } = d;
    const expected = oracle.layerNormBackward(
      { rows: d.rows, columns, eps: d.eps, rowsPerPart },
      x,
      gamma,
      dOut,
    );
    const { rows, roundings } = rowErrors(values, d, form);

    const dxBound: Bound = {
      why: "(3N + 20)·u·scale·(|g| + G + size²·G), G = mean|g|; the sum with the old gradient",
      at: (i) => {
        const t = Math.floor(i / columns);
        const { scale, size } = rows[t]!;
        let mean = 0;
        for (let j = 0; j < columns; j++) mean += Math.abs(dOut[t * columns + j]! * gamma[j]!) / columns;
        const g = Math.abs(dOut[i]! * gamma[i % columns]!);
        const sum = d.pair ? 0 : Math.abs(before[i]!) + Math.abs(expected.dx[i]!);
        return U32 * ((3 * roundings + 20) * scale * (g + mean + size * size * mean) + sum);
      },
    };
    const dx = Float64Array.from(expected.dx, (_, i) => {
      if (!d.pair) return result.dx![i]!;
      const [t, j] = [Math.floor(i / columns), i % columns];
      return j < d.size ? result.dx1![t * d.size + j]! : result.dx2![t * d.size + j - d.size]!;
    });
    const dxExpected = d.pair ? expected.dx : expected.dx.map((v, i) => v + before[i]!);
    expectClose(dx, dxExpected, dxBound, "dx");

    const partSum = (i: number, weight: (t: number) => number) => {
      let sum = 0;
      const first = Math.floor(i / columns) * rowsPerPart;
      for (let t = first; t < Math.min(first + rowsPerPart, d.rows); t++)
        sum += Math.abs(dOut[t * columns + (i % columns)]!) * weight(t);
      return sum;
    };
    expectClose(
      result.dGammaParts!,
      expected.dGammaParts,
      {
        why: "(rows + N + 16)·u·Σ|dOut|·size",
        at: (i) => (rowsPerPart + roundings + 16) * U32 * partSum(i, (t) => rows[t]!.size),
      },
      "dGammaParts",
    );
    expectClose(
      result.dBetaParts!,
      expected.dBetaParts,
      { why: "rows·u·Σ|dOut|", at: (i) => rowsPerPart * U32 * partSum(i, () => 1) },
      "dBetaParts",
    );
    expect(await run()).toEqual(result);
  });
});

test("the backward oracle is the derivative of the forward oracle", () => {
  const sizes = { rows: 3, columns: 7, eps: 1e-3, rowsPerPart: 3 };
  const { rows, columns } = sizes;
  const [x, gamma, beta, dOut] = [21, 7, 7, 21].map((n, i) => Float64Array.from(normals(n, 10 + i)));
  const loss = () => oracle.layerNorm(sizes, x!, gamma!, beta!).reduce((sum, v, i) => sum + v * dOut![i]!, 0);
  const gradients = oracle.layerNormBackward(sizes, x!, gamma!, dOut!);
  const differences = (values: Float64Array) =>
    values.map((v, i) => {
      const step = 1e-5;
      values[i] = v + step;
      const up = loss();
      values[i] = v - step;
      const down = loss();
      values[i] = v;
      return (up - down) / (2 * step);
    });
  const bound = {
    why: "step² · third derivative (scale up to 1/√eps) and f64 rounding over the step",
    at: () => 1e-7,
  };
  expectClose(differences(x!), gradients.dx, bound, "dx");
  expectClose(differences(gamma!), gradients.dGammaParts, bound, "dGamma");
  expectClose(differences(beta!), gradients.dBetaParts, bound, "dBeta");
  expect(gradients.dx).toHaveLength(rows * columns);
});
