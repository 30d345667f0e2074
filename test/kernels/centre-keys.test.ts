import { describe, expect, test } from "vitest";
import {
  type CentreKeysDims,
  centreKeysScan,
  centreKeysSubtract,
  centreKeysSubtractHalf,
  centreKeysSum,
  centreKeysSumHalf,
  centreTotals,
} from "../../src/kernels/centre-keys.js";
import { elements } from "../../src/shapes.js";
import { centreKeys as oracle } from "../oracle/centre-keys.js";
import { expectClose, U32, within } from "../support/close.js";
import { call, runKernels, type TypedArray } from "../support/run-kernel.js";
import { halvesOf, normals } from "../support/values.js";

function dimsOf(
  batch: number,
  heads: number,
  length: number,
  headSize: number,
  causal: boolean,
  masked = false,
): CentreKeysDims {
  return { batch, heads, length, headSize, causal, masked };
}

const rowsOf = (d: CentreKeysDims) => d.batch * d.heads * d.length;

/** Vectors around a common one, and what makes unit keys of them. */
function keys(d: CentreKeysDims) {
  const qk = normals(rowsOf(d) * d.headSize, 5).map((x) => x + 1);
  const scale = Float32Array.from({ length: rowsOf(d) }, (_, i) => {
    const key = qk.subarray(i * d.headSize, (i + 1) * d.headSize);
    return 1 / Math.sqrt(key.reduce((sum, x) => sum + x * x, 0));
  });
  const keyMask = Uint32Array.from({ length: d.batch * d.length }, (_, i) => Number(i % 4 !== 2));
  return { qk, scale, ...(d.masked && { keyMask }) };
}

const STEPS = {
  f32: [centreKeysSum, centreKeysScan, centreKeysSubtract],
  half: [centreKeysSumHalf, centreKeysScan, centreKeysSubtractHalf],
};

async function centre(
  d: CentreKeysDims,
  values: Readonly<Record<string, TypedArray>>,
  before?: Float32Array,
  steps = STEPS.f32,
) {
  const names = { sums: "tiles", means: "tiles" };
  const totals = before ?? new Float32Array(elements(centreTotals(d)));
  return runKernels(
    steps.map((step) => call(step, d, names)),
    { ...values, totals },
  );
}

describe("centreKeys(qk, scale)", () => {
  const rows: [why: string, dims: CentreKeysDims, before: boolean][] = [
    ["causal, tiles and components in part", dimsOf(2, 3, 150, 20, true), false],
    ["causal, masked tokens, a head size beyond one group", dimsOf(2, 1, 70, 72, true, true), false],
    ["all tokens, several tiles, masked", dimsOf(2, 2, 150, 20, false, true), false],
    ["causal, one token after others", dimsOf(2, 3, 1, 20, true), true],
  ];
  test.each(rows)("equals the oracle: %s", async (_, d, after) => {
    const values = keys(d);
    const before = after
      ? Float32Array.from({ length: elements(centreTotals(d)) }, (_, i) => (i % 21 === 20 ? 9 : i % 7))
      : undefined;
    const { centred, totals } = await centre(d, values, before);
    const expected = oracle(d, values.qk, values.scale, values.keyMask, before);
    // Terms of a unit key are at most 1 in size: n of them add up to n, rounded n times, on the way there twice (tiles);
    // a mean divides by n again. The quotient is off by 2.5 ulp, the key by one rounding.
    const terms = d.length + (after ? 9 : 0);
    const why = "n roundings of a sum of at most n unit terms, over n; 2.5 ulp of the quotient";
    expectClose(centred!, expected.centred, within((2 * terms + 8) * U32, why), "centred");
    expectClose(
      totals!,
      expected.totals,
      within(2 * terms * U32 * terms, "the same sum, not divided"),
      "totals",
    );
    expect((await centre(d, values, before)).centred).toEqual(centred);

    const { numbers, words } = halvesOf(values.qk);
    const ofHalves = await centre(d, { ...values, qk: words }, before, STEPS.half);
    expectClose(
      ofHalves.centred!,
      oracle(d, numbers, values.scale, values.keyMask, before).centred,
      within((2 * terms + 8) * U32 * (1 + 2 ** -11), `${why}, of keys that halves may make longer`),
      "centred halves",
    );
  });

  test("a causal prefix does not change with what follows it, to the bit", async () => {
    const whole = dimsOf(1, 1, 150, 20, true);
    const { qk, scale } = keys(whole);
    const prefix = { ...whole, length: 90 };
    const { centred } = await centre(whole, { qk, scale });
    const start = await centre(prefix, { qk: qk.slice(0, 90 * 20), scale: scale.slice(0, 90) });
    expect(start.centred).toEqual(centred!.slice(0, 90 * 20));
  });
});
