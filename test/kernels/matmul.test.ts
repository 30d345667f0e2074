import { afterAll, describe, expect, test } from "vitest";
import {
  halfVariants,
  type MatmulDims,
  matmul,
  matmulByHalves,
  matmulDims,
  matmulKeep,
  matmulResidual,
  matmulSplits,
  matmulToHalves,
} from "../../src/kernels/matmul.js";
import { chooseVariant } from "../../src/scheduler/variants.js";
import * as oracle from "../oracle/matmul.js";
import { expectClose, U32 } from "../support/close.js";
import { getDevice } from "../support/device.js";
import { call, profileOf, runKernel, type TypedArray } from "../support/run-kernel.js";
import {
  controlWords,
  floatWords,
  halvesOf,
  normals,
  ofHalves,
  seededKeep,
  streamWords,
} from "../support/values.js";

type Given = Parameters<typeof matmulDims>[0];

const STEP = 2 ** -16;
/** Largest slope of the activations used here (gelu's is 1.129). */
const SLOPE = 1.13;
/** A slab of 20 rows with dropout, of which the first is token 11. */
const SLAB = {
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
const heads = { batch: 2, heads: 3, length: 45, headSize: 8 };

const HEADS_OF_HALVES = "a slab of A in heads layout";
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
const FOURS: typeof CASES = [
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

const isResidual = (d: MatmulDims) => d.store.startsWith("residual");

/** Inputs of a case, and its `out` before the run as numbers. */
function inputs(d: MatmulDims) {
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

const device = await getDevice();
const { features } = profileOf(device);
const FORMS = matmul.variants.filter(({ requires }) => !requires?.feature || features.has(requires.feature));
const HALF_FORMS = FORMS.filter(({ rounds }) => rounds).map(({ name }) => name);

function run(d: MatmulDims, values: Record<string, TypedArray>, variant: string) {
  const kernel = isResidual(d) ? matmulResidual : matmul;
  const variants = { matmul: variant, "matmul:residual": variant };
  const chosen = chooseVariant(call(kernel, d).kernel, d, profileOf(device, { variants }));
  expect(chosen.name).toBe(variant);
  return runKernel(kernel, d, values, { device, variants });
}

/** Largest share of its bound that each form's error reached. */
const shares = new Map<string, number>();
afterAll(() => {
  const { vendor, architecture, description } = device.adapterInfo;
  const shown = [...shares].map(([form, share]) => `${form} ${share.toFixed(3)}`).join(", ");
  console.info(`matmul on ${vendor} ${architecture} ${description}: largest error / bound: ${shown}`);
});
const keepShare = (form: string, share: number) => shares.set(form, Math.max(share, shares.get(form) ?? 0));

const WHY_HALVES =
  "operands rounded to the nearest half: (2·2^-11 + 2^-22)·Σ|a·b|, and 2^-25 for each one below 2^-14, times the other; masks below 2";

/** What rounding the operands to halves adds to the error of an element whose terms have magnitudes that sum to `magnitude`. */
function halvesBound(d: MatmulDims, a: Float32Array, b: Float32Array) {
  const largest = (values: Float32Array) => values.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
  const below = 2 * d.k * 2 ** -25 * (largest(a) + largest(b) + 2 ** -25);
  return (magnitude: number) => (2 ** -10 + 2 ** -22) * magnitude + below;
}

function outNumbers(d: MatmulDims, out: TypedArray): ArrayLike<number> {
  if (!isResidual(d)) return out;
  return d.fixedPoint ? Float64Array.from(out, (word) => word * STEP) : new Float32Array(out.slice().buffer);
}

describe.each(FORMS.map((form) => [form.name, form] as const))("matmul, %s form", (variant, form) => {
  const { supports, rounds: halves } = form;
  const few = variant === "rows"; // serves up to 8 rows, the others more
  const k = variant.startsWith("wide") ? 36 : 37; // which needs fours
  const roundingOf = (d: MatmulDims, a: Float32Array, b: Float32Array) =>
    halves ? halvesBound(d, a, b) : () => 0;
  // The forms of halves address as the others do: one heads layout is enough.
  const plainCases = CASES.filter(
    ([why, given]) =>
      supports?.(matmulDims({ ...given, store: "set" })) &&
      !(halves && given.heads && why !== HEADS_OF_HALVES),
  );
  const cases = !variant.startsWith("wide") ? plainCases : halves ? [FOURS[0]!, FOURS[2]!] : FOURS;
  test.each(cases)("%s", async (_why, given) => {
    const d = matmulDims(given);
    const { values, keep, outBefore } = inputs(d);
    type Floats = { a: Float32Array; b: Float32Array; bias?: Float32Array; before?: Float32Array };
    const all = { ...(values as Floats), keep };
    const { out } = await run(d, values, variant);
    const expected = oracle.matmul(d, { ...all, out: outBefore });
    const magnitude = oracle.matmul(
      { ...d, activation: "linear", store: "set" },
      {
        a: all.a.map(Math.abs),
        b: all.b.map(Math.abs),
        bias: all.bias?.map(Math.abs),
        keep,
        before: all.before,
        out: outBefore.map(() => 0),
      },
    );
    const adds = d.store === "set" ? 0 : 1;
    const rounding = roundingOf(d, all.a, all.b);
    const share = expectClose(
      outNumbers(d, out!),
      expected,
      {
        why: `${d.k} products, bias and mask in any order: (k + 4)·u·Σ|terms|·slope; 2^-20·max(1,|x|) activation, 2^-19·|x| its derivative; u·|out| store; half a stream step${halves ? `; ${WHY_HALVES}` : ""}`,
        at: (i) => {
          // A sum of halves may be 2^-9 larger than that of the terms.
          const product = (d.k + 4) * U32 * magnitude[i]! * (1 + 2 ** -9) + rounding(magnitude[i]!);
          const own = d.gradient ? 2 ** -19 * magnitude[i]! : 2 ** -20 * (1 + magnitude[i]!);
          const activation = d.activation === "linear" ? product : SLOPE * product + own;
          const store = adds * U32 * Math.abs(expected[i]!);
          return activation + store + (isResidual(d) && d.fixedPoint ? STEP / 2 : 0);
        },
      },
      "out",
    );
    keepShare(variant, share);
  });

  test("the keeping kernel also stores what goes into dropout and activation, and the same result to the bit", async () => {
    const d = matmulDims({ ...SLAB, m: few ? 7 : 20, k, activation: "gelu" });
    const { values } = inputs(d);
    const options = { device, variants: { "matmul:keep": variant } };
    const { out, kept } = await runKernel(matmulKeep, d, values, options);
    expect(kept).toEqual((await run({ ...d, dropout: 0, activation: "linear" }, values, variant)).out);
    expect(out).toEqual((await run(d, values, variant)).out);
  });

  test("splits of K are partial products that add up to the whole, also where the last split is empty", async () => {
    const m = few ? 5 : 20;
    for (const [k, splits] of [
      [70, 3],
      [33, 5],
    ] as const) {
      const d = matmulDims({ m, n: 28, k, splits, transposeA: true });
      const { values, outBefore } = inputs(d);
      const { out } = await run(d, values, variant);
      const summed = Float64Array.from({ length: m * 28 }, (_, i) => {
        let sum = 0;
        for (let split = 0; split < splits; split++) sum += out![split * m * 28 + i]!;
        return sum;
      });
      const { a, b } = values as { a: Float32Array; b: Float32Array };
      const whole = { ...d, splits: 1 };
      const before = outBefore.slice(0, m * 28);
      const expected = oracle.matmul(whole, { a, b, out: before });
      const magnitude = oracle.matmul(whole, { a: a.map(Math.abs), b: b.map(Math.abs), out: before });
      const rounding = roundingOf(whole, a, b);
      expectClose(
        summed,
        expected,
        {
          why: `k·u·Σ|terms|${halves ? `; ${WHY_HALVES}` : ""}`,
          at: (i) => k * U32 * magnitude[i]! * (1 + 2 ** -9) + rounding(magnitude[i]!),
        },
        "sum of splits",
      );
    }
  });

  test("residual add then subtract gives the stream back to the bit, and a repeated run is bit-identical", async () => {
    const d = matmulDims({
      m: few ? 7 : 70,
      n: 40,
      k,
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

test("halfVariants() takes native halves where the device has them, and few rows stay in f32", () => {
  expect(halfVariants(new Set(["shader-f16"])).matmul).toEqual(["wide-f16", "tiled-f16"]);
  const variants = halfVariants(new Set());
  const chosen = (m: number) => {
    const d = matmulDims({ m, n: 512, k: 16 });
    return chooseVariant(call(matmul, d).kernel, d, profileOf(device, { variants })).name;
  };
  expect([8, 9, 4096].map(chosen)).toEqual(["rows", "tiled-half", "wide-half"]);
});

test("a GPU takes wide tiles where there are many and fours are whole, an adapter that is a CPU none", () => {
  const chosen = (given: Given, software = false) => {
    const d = matmulDims(given);
    return chooseVariant(call(matmul, d).kernel, d, profileOf(device, { software })).name;
  };
  const many = { m: 4096, n: 512, k: 256 };
  expect(chosen(many)).toBe("wide");
  expect(chosen({ ...many, m: 4000 })).toBe("wide");
  expect(chosen({ ...many, m: 1024 })).toBe("tiled");
  expect(chosen({ ...many, k: 258 })).toBe("tiled");
  expect(chosen(many, true)).not.toMatch(/wide/);
});

test("matmulDims() objects to sizes that contradict each other", () => {
  expect(() => matmulDims({ ...heads, m: 90, n: 24, k: 25, aHeads: true })).toThrow(
    "A in heads layout has 25 columns",
  );
  expect(() => matmulDims({ ...heads, m: 90, n: 24, k: 25, cHeads: true, rowOffset: 1 })).toThrow(
    "needed 1 + 90",
  );
  expect(() => matmulDims({ m: 1, n: 1, k: 64, splits: 2, bias: true })).toThrow("without bias");
  const columns = { m: 9, n: 10, k: 64, width: 20 };
  expect(() => matmulDims({ ...columns, columnsOf: "c", firstColumn: 11 })).toThrow("c is columns 11 to 21");
  expect(() => matmulDims({ ...columns, columnsOf: "c", splits: 2 })).toThrow("one row-major matrix");
  const transposed = { ...columns, columnsOf: "b", transposeB: true } as const;
  expect(() => matmulDims(transposed)).toThrow("b is columns 0 to 64");
});

test("what is stored as halves, or kept beside the result, is refused where it has no place", () => {
  const sizes = { m: 20, n: 24, k: 16 };
  const halves = (given: Partial<Given> = {}) =>
    matmulToHalves.bindings.out!.shape(matmulDims({ ...sizes, ...given }));
  expect(halves()).toEqual([20, 12]);
  expect(halves({ ...heads, cHeads: true })).toEqual([2, 3, 45, 4]);
  expect(() => halves({ store: "add" })).toThrow('into halves has store "add"');
  expect(() => halves({ splits: 2 })).toThrow("2 splits");
  expect(() => halves({ n: 23 })).toThrow("rows of 23");
  expect(() => halves({ n: 9, ...heads, headSize: 3, cHeads: true })).toThrow("rows of 3");
  expect(() => halves({ columnsOf: "c", width: 30 })).toThrow("columns of c");
  const kept = (given: Partial<Given> = {}) =>
    matmulKeep.bindings.kept!.shape(matmulDims({ ...sizes, ...given }));
  expect(kept()).toEqual([20, 24]);
  expect(() => kept({ splits: 2 })).toThrow("2 splits");
  expect(() => kept({ ...heads, cHeads: true })).toThrow("heads true");
  expect(() => kept({ store: "add" })).toThrow('keeps its sums has store "add"');
});

test("matmulSplits() splits long sums with few tiles only", () => {
  expect(matmulSplits(4096, 256, 256)).toBe(1);
  expect(matmulSplits(256, 256, 65_536)).toBe(32);
  expect(matmulSplits(64, 64, 2048)).toBe(4);
});
