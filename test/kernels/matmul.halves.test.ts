// Products of halves: operands that are rounded to them, and operands that are stored as them.
import { describe, expect, test } from "vitest";
import { SUBGROUP_MATRICES } from "../../src/gpu/kernel.js";
import {
  halfVariants,
  type MatmulDims,
  matmul,
  matmulByHalves,
  matmulDims,
  matmulPairToHalves,
  matmulToHalves,
} from "../../src/kernels/matmul.js";
import { DEFAULT_LIMITS } from "../../src/scheduler/plan.js";
import { chooseVariant } from "../../src/scheduler/variants.js";
import * as oracle from "../oracle/matmul.js";
import { expectClose, U32 } from "../support/close.js";
import { device, HALF_FORMS, halvesBound, heads, inputs, run, WHY_HALVES } from "../support/matmul-cases.js";
import { call, profileOf, runKernel } from "../support/run-kernel.js";
import { halvesOf, normals, ofHalves } from "../support/values.js";

describe.each(HALF_FORMS)("matmul, %s form, of operands that", (variant) => {
  const dims = (k: number) => matmulDims({ m: 20, n: 24, k });
  const product = async (d: MatmulDims, a: Float32Array, b: Float32Array) => {
    const { out } = await run(d, { a, b, out: new Float32Array(d.m * d.n) }, variant);
    const zeros = new Float32Array(d.m * d.n);
    const expected = oracle.matmul(d, { a, b, out: zeros });
    const magnitude = oracle.matmul(d, { a: a.map(Math.abs), b: b.map(Math.abs), out: zeros });
    return { out: out as Float32Array, expected, magnitude };
  };

  test("are halves: is as exact as in f32, over long sums too", async () => {
    const d = dims(1500);
    const halvesOf = (seed: number, count: number) =>
      normals(count, seed).map((x) => Math.round(x * 128) / 128);
    const { out, expected, magnitude } = await product(d, halvesOf(1, d.m * d.k), halvesOf(2, d.k * d.n));
    const bound = { why: "k·u·Σ|terms|", at: (i: number) => d.k * U32 * magnitude[i]! };
    expectClose(out, expected, bound, "out");
  });

  // WGSL allows to flush halves below 2^-14 to zero; no adapter that this has run on does.
  test("are below the smallest normal half: loses no more than half of the smallest one of each", async () => {
    const d = dims(40);
    const [a, b] = [normals(d.m * d.k, 1, 2 ** -20), normals(d.k * d.n, 2)];
    const { out, expected, magnitude } = await product(d, a, b);
    const rounding = halvesBound(d, a, b);
    const at = (i: number) => d.k * U32 * magnitude[i]! + rounding(magnitude[i]!);
    expectClose(out, expected, { why: `k·u·Σ|terms|; ${WHY_HALVES}`, at }, "out");
    const norm = (values: ArrayLike<number>) => Math.hypot(...Array.from(values));
    expect(norm(Array.from(out, (x, i) => x - expected[i]!)) / norm(expected)).toBeLessThan(0.1);
  });

  test.each([65_505, -1e9, Infinity, NaN])(
    "hold %d, more than a half can: shows it in that row",
    async (value) => {
      const d = dims(36);
      const [a, b] = [normals(d.m * d.k, 1), normals(d.k * d.n, 2)];
      a[9 * d.k + 1] = 65_504; // fits
      a[5 * d.k + 3] = value;
      const { out } = await product(d, a, b);
      const finite = (row: number) =>
        out.subarray(row * d.n, (row + 1) * d.n).map((x) => Number(Number.isFinite(x)));
      expect([...finite(5)]).toEqual(Array(d.n).fill(0));
      for (const row of [0, 1, 2, 3, ...Array.from({ length: 12 }, (_, i) => 8 + i)]) {
        expect([...finite(row)], `row ${row}`).toEqual(Array(d.n).fill(1));
      }
    },
  );
});

describe.each(["plain", ...HALF_FORMS])("operands stored as halves, %s form", (variant) => {
  const variants = { "matmul:to-halves": variant, "matmul:by-halves": variant };
  const rounds = variant !== "plain";
  const fours = variant.startsWith("wide");
  const expectForm = (kernel: typeof matmul, d: MatmulDims) =>
    expect(chooseVariant(call(kernel, d).kernel, d, profileOf(device, { variants })).name).toBe(variant);

  test.each([
    [
      "heads layout, a slab",
      { ...heads, m: 50, n: 24, k: fours ? 36 : 34, cHeads: true, transposeB: true, rowOffset: 21 },
    ],
    ["few rows, bias", { m: 5, n: fours ? 72 : 70, k: 20, bias: true }],
  ])("matmulToHalves(): %s", async (_why, given) => {
    const d = matmulDims(given);
    expectForm(matmulToHalves, d);
    const { values, outBefore } = inputs(d);
    const a = halvesOf(values.a as Float32Array);
    const before = halvesOf(outBefore as Float32Array);
    const run = () =>
      runKernel(matmulToHalves, d, { ...values, a: a.words, out: before.words }, { device, variants });
    const { out } = await run();
    const all = { ...(values as { b: Float32Array; bias?: Float32Array }), a: a.numbers, keep: undefined };
    const expected = oracle.matmul(d, { ...all, out: before.numbers });
    const sizes = {
      ...all,
      a: a.numbers.map(Math.abs),
      b: all.b.map(Math.abs),
      bias: all.bias?.map(Math.abs),
    };
    const magnitude = oracle.matmul(d, { ...sizes, out: before.numbers });
    const rounding = rounds ? halvesBound(d, a.numbers, all.b) : () => 0;
    const bound = {
      why: `(k + 2)·u·Σ|terms|${rounds ? `; ${WHY_HALVES}` : ""}; stored as the nearest half: 2^-11 of it, or 2^-25`,
      at: (i: number) =>
        ((d.k + 2) * U32 * magnitude[i]! + rounding(magnitude[i]!)) * (1 + 2 ** -9) +
        2 ** -11 * Math.abs(expected[i]!) +
        2 ** -25,
    };
    expectClose(ofHalves(out!), expected, bound, "out");
    expect((await run()).out).toEqual(out);
  });

  test("matmulPairToHalves() is what two products give, to the bit", async () => {
    const k = fours ? 36 : 34;
    const one = matmulDims({ ...heads, m: 50, n: 24, k, cHeads: true, transposeB: true, rowOffset: 21 });
    const d = { ...one, n: 48, pair: true };
    const { values, outBefore } = inputs(one);
    const a = halvesOf(values.a as Float32Array).words;
    const out = halvesOf(outBefore as Float32Array).words;
    const b = normals(d.n * d.k, 6);
    const given = { ...values, a, b, out, second: out };
    const of = { device, variants: { "matmul:pair-to-halves": variant } };
    const results = await runKernel(matmulPairToHalves, d, given, of);
    for (const [name, own] of [
      ["out", b.slice(0, 24 * k)],
      ["second", b.slice(24 * k)],
    ] as const) {
      const product = await runKernel(
        matmulToHalves,
        one,
        { ...values, a, b: own, out },
        { device, variants },
      );
      expect(results[name], name).toEqual(product.out);
    }
  });

  test("matmulToHalves() of more than a half can hold is infinite there", async () => {
    const d = matmulDims({ m: 20, n: 8, k: 4 });
    expectForm(matmulToHalves, d);
    const a = new Float32Array(d.m * d.k).fill(1);
    a.fill(-30_000, 5 * d.k, 6 * d.k);
    const b = new Float32Array(d.k * d.n).fill(1);
    const out = new Uint32Array((d.m * d.n) / 2);
    const given = { a: halvesOf(a).words, b, out };
    const result = await runKernel(matmulToHalves, d, given, { device, variants });
    const finite = [...ofHalves(result.out!)].map(Number.isFinite);
    expect(finite).toEqual(finite.map((_, i) => Math.floor(i / d.n) !== 5));
  });

  test.each([
    ["adding", { m: 24, n: 36, k: 90, transposeA: true, store: "add" as const }],
    ["heads layout, splits", { ...heads, m: 24, n: 36, k: 90, aHeads: true, transposeA: true, splits: 3 }],
  ])("matmulByHalves(): %s", async (_why, given) => {
    const d = matmulDims(given);
    expectForm(matmulByHalves, d);
    const { values, outBefore } = inputs(d);
    const b = halvesOf(values.b as Float32Array);
    const { out } = await runKernel(matmulByHalves, d, { ...values, b: b.words }, { device, variants });
    const size = d.m * d.n;
    const summed = Float64Array.from({ length: size }, (_, i) => {
      let sum = 0;
      for (let split = 0; split < d.splits; split++) sum += out![split * size + i]!;
      return sum;
    });
    const whole = { ...d, splits: 1 };
    const { a } = values as { a: Float32Array };
    const before = outBefore.slice(0, size);
    const expected = oracle.matmul(whole, { a, b: b.numbers, out: before });
    const sizes = { a: a.map(Math.abs), b: b.numbers.map(Math.abs), out: before.map(Math.abs) };
    const magnitude = oracle.matmul(whole, sizes);
    const rounding = rounds ? halvesBound(d, a, b.numbers) : () => 0;
    const bound = {
      why: `(k + 1)·u·Σ|terms|${rounds ? `; ${WHY_HALVES}` : ""}`,
      at: (i: number) => (d.k + 1) * U32 * magnitude[i]! * (1 + 2 ** -9) + rounding(magnitude[i]!),
    };
    expectClose(summed, expected, bound, "out");
  });
});

test("halfVariants() takes what rounds fastest on the device, and few rows stay in f32", () => {
  const chosen = (names: readonly string[], matrixSides?: readonly number[]) =>
    [8, 9, 4096].map((m) => {
      const d = matmulDims({ m, n: 512, k: 16 });
      const features = new Set(names);
      const profile = { ...DEFAULT_LIMITS, features, variants: halfVariants(features) };
      return chooseVariant(call(matmul, d).kernel, d, { ...profile, ...(matrixSides && { matrixSides }) })
        .name;
    });
  expect(chosen([])).toEqual(["rows", "tiled-half", "wide-half"]);
  expect(chosen(["shader-f16"])).toEqual(["rows", "tiled-f16", "wide-f16"]);
  const all = ["shader-f16", "subgroups", SUBGROUP_MATRICES];
  expect(chosen(all, [8])).toEqual(["rows", "matrix-8", "matrix-8"]);
  expect(chosen(all, [8, 16])).toEqual(["rows", "matrix-16", "matrix-16"]);
  expect(chosen(all, [])).toEqual(["rows", "tiled-f16", "wide-f16"]);
});
