import { describe, expect, test } from "vitest";
import {
  type RotationsDims,
  rotationSigns,
  rotationSignsShape,
  rotations,
} from "../../src/kernels/rotations.js";
import { rotations as oracle, rotationSigns as signsOracle } from "../oracle/rotations.js";
import { expectClose, U32 } from "../support/close.js";
import { runKernel } from "../support/run-kernel.js";

const dims: RotationsDims = { heads: 3, headSize: 33, rounds: 2, columns: 5, layer: 4 };
const COUNT = 3 * 33 * 2 * 5;

const control = (seed: readonly [number, number], draw: number) => {
  const words = new Uint32Array(16);
  words.set([...seed, draw]);
  return words;
};

async function draw(d: RotationsDims, words: Uint32Array): Promise<Float32Array> {
  return (await runKernel(rotations, d, { control: words })).rotations as Float32Array;
}

const cosine = (a: Float32Array, b: Float32Array) => {
  const dot = (x: Float32Array, y: Float32Array) => x.reduce((sum, value, i) => sum + value * y[i]!, 0);
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
};

describe("rotations(control)", () => {
  test.each([
    ["small", dims, [1, 0], 0],
    ["large seed and draw", { ...dims, columns: 1, layer: 63 }, [0xdeadbeef, 0xffffffff], 123_456],
  ] as const)("equals the oracle: %s", async (_, d, seed, drawn) => {
    const actual = await draw(d, control(seed, drawn));
    const expected = oracle(seed, drawn, d.layer, actual.length);
    // WGSL: log is off by 2^-21 near 1, else by 3 units in the last place; sqrt turns an error e of its argument L into
    // at most min(√e, e/√L); sin and cos are off by 2^-11. Products and roots add 4 roundings.
    const at = (i: number) => {
      const { radius } = expected[i]!;
      const error = 2 * (2 ** -21 + 3 * 2 * U32 * radius ** 2);
      return Math.min(Math.sqrt(error), error / radius) + radius * (2 ** -11 + 4 * U32);
    };
    expectClose(
      actual,
      expected.map(({ value }) => value),
      { why: "WGSL's accuracy of log, sqrt and cos", at },
    );
    expect(await draw(d, control(seed, drawn))).toEqual(actual);
  });

  test("are standard normal: mean, variance and fourth moment within 5 standard errors", async () => {
    const many: RotationsDims = { heads: 4, headSize: 64, rounds: 4, columns: 16, layer: 0 };
    const values = await draw(many, control([7, 7], 7));
    const moment = (p: number) => values.reduce((sum, x) => sum + x ** p, 0) / values.length;
    const error = 5 / Math.sqrt(values.length);
    expect(Math.abs(moment(1))).toBeLessThan(error);
    expect(Math.abs(moment(2) - 1)).toBeLessThan(Math.sqrt(2) * error);
    expect(Math.abs(moment(4) - 3)).toBeLessThan(Math.sqrt(96) * error);
  });

  test("differ without correlation between layers, draws and seeds", async () => {
    const base = await draw(dims, control([1, 2], 3));
    for (const other of [
      await draw({ ...dims, layer: 5 }, control([1, 2], 3)),
      await draw(dims, control([1, 2], 4)),
      await draw(dims, control([1, 3], 3)),
      await draw(dims, control([2, 2], 3)),
    ]) {
      expect(Math.abs(cosine(base, other))).toBeLessThan(5 / Math.sqrt(COUNT));
    }
  });
});

describe("rotationSigns(control)", () => {
  test("equals the oracle to the bit, three diagonals for every rotation", async () => {
    const sizes = { heads: 3, headSize: 33, rounds: 2, columns: 70, layer: 4 };
    expect(rotationSignsShape(sizes)).toEqual([3, 2, 2, 3, 2]); // 70 columns are two rotations of 64 coordinates
    const { signs } = await runKernel(rotationSigns, sizes, { control: control([0xdeadbeef, 5], 123_456) });
    expect([...signs!]).toEqual(signsOracle([0xdeadbeef, 5], 123_456, 4, 72));
  });

  test("are fair coins: as many of each sign, within 5 standard errors, in every bit", async () => {
    const many = { heads: 4, headSize: 64, rounds: 8, columns: 64, layer: 0 };
    const { signs } = await runKernel(rotationSigns, many, { control: control([7, 7], 7) });
    for (let bit = 0; bit < 32; bit++) {
      const set = [...signs!].filter((word) => (word >>> bit) & 1).length;
      expect(Math.abs(set - signs!.length / 2)).toBeLessThan((5 * Math.sqrt(signs!.length)) / 2);
    }
  });
});
