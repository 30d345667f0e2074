import { describe, expect, it } from "vitest";
import { normalOf, Random, randomKey, threefry2x32, uniformOf, type Words } from "../src/random.js";

describe("threefry2x32", () => {
  // Known answers published with Random123 (also JAX's own tests).
  const answers: [why: string, key: Words, counter: Words, expected: Words][] = [
    ["all zero", [0, 0], [0, 0], [0x6b200159, 0x99ba4efe]],
    ["all ones", [0xffffffff, 0xffffffff], [0xffffffff, 0xffffffff], [0x1cb996fc, 0xbb002be7]],
    ["digits of pi", [0x13198a2e, 0x03707344], [0x243f6a88, 0x85a308d3], [0xc4923a9c, 0x483df7a0]],
  ];
  it.each(answers)("%s", (_why, key, counter, expected) => {
    expect(threefry2x32(key, counter)).toEqual(expected);
  });
});

describe("randomKey", () => {
  it("of a path differs by every part and by their order", () => {
    const keys = [[0], [1], [0, 0], [0, 1], [1, 0], [0, 1, 2], [0, 2, 1], [2 ** 32], [2 ** 32 + 1]];
    expect(new Set(keys.map(([seed, ...path]) => randomKey(seed!, ...path).join())).size).toBe(keys.length);
  });
});

describe("uniformOf, normalOf", () => {
  it("uniformOf reaches 0 and stays below 1, in steps f32 holds exactly", () => {
    expect(uniformOf(0)).toBe(0);
    expect(uniformOf(0xffffffff)).toBe(1 - 2 ** -24);
    expect(Math.fround(uniformOf(0x89abcdef))).toBe(uniformOf(0x89abcdef));
  });

  it("normalOf is finite at both ends", () => {
    expect(Math.abs(normalOf([0xffffffff, 0]))).toBe(0);
    expect(normalOf([0, 0])).toBeCloseTo(Math.sqrt(48 * Math.LN2), 12);
  });

  it("100,000 normals have mean 0, variance 1 and normal tails", () => {
    const n = 100_000;
    const random = new Random(7);
    const values = Array.from({ length: n }, () => random.normal());
    const mean = values.reduce((a, b) => a + b, 0) / n;
    const variance = values.reduce((a, b) => a + b * b, 0) / n;
    const beyond2 = values.filter((x) => Math.abs(x) > 2).length / n;
    // Five standard errors: 1/√n of the mean, √(2/n) of the variance, √(p(1-p)/n) of a share p.
    expect(Math.abs(mean)).toBeLessThan(5 / Math.sqrt(n));
    expect(Math.abs(variance - 1)).toBeLessThan(5 * Math.sqrt(2 / n));
    expect(Math.abs(beyond2 - 0.0455)).toBeLessThan(5 * Math.sqrt((0.0455 * 0.9545) / n));
  });
});

describe("Random", () => {
  it("replays from (seed, path, counter)", () => {
    const first = new Random(3, 5);
    const draws = [first.uniform(), first.normal(), first.below(1000)];
    const again = new Random(3, 5);
    expect([again.uniform(), again.normal(), again.below(1000)]).toEqual(draws);
    again.counter = 1;
    expect(again.normal()).toBe(draws[1]);
  });

  it("below(6) gives every face its share", () => {
    const random = new Random(1);
    const faces = new Array<number>(6).fill(0);
    for (let i = 0; i < 60_000; i++) faces[random.below(6)]! += 1;
    // Chi-square of 5 degrees of freedom exceeds 25.7 once in 10,000 seeds.
    expect(faces.reduce((sum, n) => sum + (n - 10_000) ** 2 / 10_000, 0)).toBeLessThan(25.7);
  });

  it("shuffle is a permutation and depends on the seed", () => {
    const order = (seed: number) => {
      const items = Uint32Array.from({ length: 1000 }, (_, i) => i);
      new Random(seed).shuffle(items);
      return items;
    };
    expect([...order(1)].sort((a, b) => a - b)).toEqual(Array.from({ length: 1000 }, (_, i) => i));
    expect(order(1)).toEqual(order(1));
    expect(order(1)).not.toEqual(order(2));
  });
});
