import { afterAll, describe, expect, test } from "vitest";
import {
  type MatmulDims,
  matmul,
  matmulDims,
  matmulKeep,
  matmulPair,
  matmulSplits,
  matmulToHalves,
} from "../../src/kernels/matmul.js";
import { chooseVariant } from "../../src/scheduler/variants.js";
import * as oracle from "../oracle/matmul.js";
import { expectClose, U32 } from "../support/close.js";
import {
  CASES,
  device,
  FORMS,
  FOURS,
  type Given,
  HEADS_OF_HALVES,
  halvesBound,
  heads,
  inputs,
  isResidual,
  run,
  SLAB,
  STEP,
  WHY_HALVES,
} from "../support/matmul-cases.js";
import { call, profileOf, runKernel, type TypedArray } from "../support/run-kernel.js";
import { normals } from "../support/values.js";

/** Largest slope of the activations used here (gelu's is 1.129). */
const SLOPE = 1.13;
/** Largest share of its bound that each form's error reached. */
const shares = new Map<string, number>();
afterAll(() => {
  const { vendor, architecture, description } = device.adapterInfo;
  const shown = [...shares].map(([form, share]) => `${form} ${share.toFixed(3)}`).join(", ");
  console.info(`matmul on ${vendor} ${architecture} ${description}: largest error / bound: ${shown}`);
});
const keepShare = (form: string, share: number) => shares.set(form, Math.max(share, shares.get(form) ?? 0));

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

  test("the pair is what two products give, to the bit", async () => {
    const one = matmulDims({
      ...heads,
      m: few ? 7 : 50,
      n: 24,
      k,
      cHeads: true,
      transposeB: true,
      rowOffset: 21,
    });
    const d = { ...one, n: 48, pair: true };
    const { values } = inputs(one);
    const b = normals(d.n * d.k, 6);
    const options = { device, variants: { "matmul:pair": variant } };
    const results = await runKernel(matmulPair, d, { ...values, b, second: values.out! }, options);
    const [first, second] = [b.slice(0, 24 * k), b.slice(24 * k)];
    expect(results.out).toEqual((await run(one, { ...values, b: first }, variant)).out);
    expect(results.second).toEqual((await run(one, { ...values, b: second }, variant)).out);
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
