import { describe, expect, test } from "vitest";
import {
  type MatmulDims,
  matmul,
  matmulDims,
  matmulResidual,
  matmulSplits,
} from "../../src/kernels/matmul.js";
import * as oracle from "../oracle/matmul.js";
import { expectClose, U32 } from "../support/close.js";
import { runKernel, type TypedArray } from "../support/run-kernel.js";
import { controlWords, floatWords, normals, seededKeep, streamWords } from "../support/values.js";

type Given = Parameters<typeof matmulDims>[0];

const STEP = 2 ** -16;
/** Largest slope of the activations used here (gelu's is 1.129). */
const SLOPE = 1.13;

/** Two sequences of 45 tokens, 3 heads of 8: a matrix of 90 rows and 24 columns. */
const heads = { batch: 2, heads: 3, length: 45, headSize: 8 };

const CASES: readonly (readonly [why: string, given: Given])[] = [
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
  ["a slab of A in heads layout", { ...heads, m: 50, n: 33, k: 24, aHeads: true, rowOffset: 21 }],
  ["A in heads layout, transposed", { ...heads, m: 24, n: 33, k: 90, aHeads: true, transposeA: true }],
  ["B in heads layout", { ...heads, m: 33, n: 24, k: 50, bHeads: true, rowOffset: 21 }],
  [
    "B in heads layout, transposed",
    { ...heads, m: 5, n: 50, k: 24, bHeads: true, transposeB: true, rowOffset: 40 },
  ],
  ["C in heads layout", { ...heads, m: 90, n: 24, k: 33, cHeads: true, transposeB: true }],
  ["adding to a slab of C", { ...heads, m: 50, n: 24, k: 33, cHeads: true, rowOffset: 21, store: "add" }],
  [
    "seeded dropout of a slab",
    { m: 20, n: 40, k: 37, bias: true, dropout: 1, dropoutRate: 0.3, site: 5, rowOffset: 11 },
  ],
  [
    "given mask of a slab",
    { m: 20, n: 40, k: 37, dropout: 2, dropoutRate: 0.25, batch: 2, length: 20, rowOffset: 13 },
  ],
  ["fixed-point residual add", { m: 67, n: 40, k: 37, store: "residualAdd", fixedPoint: true, bias: true }],
  ["f32 residual add", { m: 67, n: 40, k: 37, store: "residualAdd" }],
  ["f32 residual subtract", { m: 67, n: 40, k: 37, store: "residualSub" }],
];

const isResidual = (d: MatmulDims) => d.store.startsWith("residual");

/** Inputs of a case, and its `out` before the run as numbers. */
function inputs(d: MatmulDims) {
  const tokens = d.batch * d.heads * d.length * d.headSize;
  const outSize = d.cHeads ? tokens : d.splits * d.m * d.n;
  const out = !isResidual(d) || !d.fixedPoint ? normals(outSize, 4) : streamWords(outSize, 4);
  const values: Record<string, TypedArray> = {
    a: normals(d.aHeads ? tokens : d.m * d.k, 1),
    b: normals(d.bHeads ? tokens : d.k * d.n, 2),
    out: isResidual(d) && !d.fixedPoint ? floatWords(out as Float32Array) : out,
  };
  const control = controlWords([7, 8], 9);
  if (d.bias) values.bias = normals(d.n, 3);
  if (d.dropout === 1) values.control = control;
  if (d.dropout === 2) values.keep = seededKeep(control, 1, d.dropoutRate, d.batch * d.length, d.n);
  const keep =
    d.dropout === 1
      ? seededKeep(control, d.site, d.dropoutRate, d.rowOffset + d.m, d.n)
      : (values.keep as Uint32Array | undefined);
  const outBefore = out instanceof Int32Array ? Float64Array.from(out, (word) => word * STEP) : out;
  return { values, keep, outBefore };
}

const run = (d: MatmulDims, values: Record<string, TypedArray>, variant: string) =>
  runKernel(isResidual(d) ? matmulResidual : matmul, d, values, {
    variants: { matmul: variant, "matmul:residual": variant },
  });

function outNumbers(d: MatmulDims, out: TypedArray): ArrayLike<number> {
  if (!isResidual(d)) return out;
  return d.fixedPoint ? Float64Array.from(out, (word) => word * STEP) : new Float32Array(out.slice().buffer);
}

describe.each(["tiled", "plain", "rows"])("matmul, %s form", (variant) => {
  const few = variant === "rows"; // serves up to 8 rows, the others more
  test.each(CASES.filter(([, { m }]) => few === m <= 8))("%s", async (_why, given) => {
    const d = matmulDims(given);
    const { values, keep, outBefore } = inputs(d);
    const all = { ...(values as { a: Float32Array; b: Float32Array; bias?: Float32Array }), keep };
    const { out } = await run(d, values, variant);
    const expected = oracle.matmul(d, { ...all, out: outBefore });
    const magnitude = oracle.matmul(
      { ...d, activation: "linear", store: "set" },
      {
        a: all.a.map(Math.abs),
        b: all.b.map(Math.abs),
        bias: all.bias?.map(Math.abs),
        keep,
        out: outBefore.map(() => 0),
      },
    );
    const adds = d.store === "set" ? 0 : 1;
    expectClose(
      outNumbers(d, out!),
      expected,
      {
        why: `${d.k} products, bias and mask in any order: (k + 4)·u·Σ|terms|·slope; 2^-20·max(1,|x|) activation; u·|out| store; half a stream step`,
        at: (i) => {
          const product = (d.k + 4) * U32 * magnitude[i]!;
          const activation =
            d.activation === "linear" ? product : SLOPE * product + 2 ** -20 * (1 + magnitude[i]!);
          const store = adds * U32 * Math.abs(expected[i]!);
          return activation + store + (isResidual(d) && d.fixedPoint ? STEP / 2 : 0);
        },
      },
      "out",
    );
  });

  test("splits of K are partial products that add up to the whole, also where the last split is empty", async () => {
    const m = few ? 5 : 20;
    for (const [k, splits] of [
      [70, 3],
      [33, 5],
    ] as const) {
      const d = matmulDims({ m, n: 30, k, splits, transposeA: true });
      const { values, outBefore } = inputs(d);
      const { out } = await run(d, values, variant);
      const summed = Float64Array.from({ length: m * 30 }, (_, i) => {
        let sum = 0;
        for (let split = 0; split < splits; split++) sum += out![split * m * 30 + i]!;
        return sum;
      });
      const { a, b } = values as { a: Float32Array; b: Float32Array };
      const whole = { ...d, splits: 1 };
      const before = outBefore.slice(0, m * 30);
      const expected = oracle.matmul(whole, { a, b, out: before });
      const magnitude = oracle.matmul(whole, { a: a.map(Math.abs), b: b.map(Math.abs), out: before });
      expectClose(
        summed,
        expected,
        { why: "k·u·Σ|terms|", at: (i) => k * U32 * magnitude[i]! },
        "sum of splits",
      );
    }
  });

  test("residual add then subtract gives the stream back to the bit, and a repeated run is bit-identical", async () => {
    const d = matmulDims({
      m: few ? 7 : 70,
      n: 40,
      k: 37,
      store: "residualAdd",
      fixedPoint: true,
      bias: true,
    });
    const { values } = inputs(d);
    const { out: added } = await run(d, values, variant);
    const { out: again } = await run(d, values, variant);
    expect(again).toEqual(added);
    expect(added).not.toEqual(values.out);
    const { out: back } = await run({ ...d, store: "residualSub" }, { ...values, out: added! }, variant);
    expect(back).toEqual(values.out);
  });
});

test("matmulDims() objects to sizes that contradict each other", () => {
  expect(() => matmulDims({ ...heads, m: 90, n: 24, k: 25, aHeads: true })).toThrow(
    "A in heads layout has 25 columns",
  );
  expect(() => matmulDims({ ...heads, m: 90, n: 24, k: 25, cHeads: true, rowOffset: 1 })).toThrow(
    "needed 1 + 90",
  );
  expect(() => matmulDims({ m: 1, n: 1, k: 64, splits: 2, bias: true })).toThrow("without bias");
});

test("matmulSplits() splits long sums with few tiles only", () => {
  expect(matmulSplits(4096, 256, 256)).toBe(1);
  expect(matmulSplits(256, 256, 65_536)).toBe(32);
  expect(matmulSplits(64, 64, 2048)).toBe(4);
});
