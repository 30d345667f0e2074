import { describe, expect, it } from "vitest";
import { bfloatToFloat, floatToBfloat, floatToHalf, halfToFloat } from "../../src/io/half.js";
import { Random } from "../../src/random.js";

const ALL = Array.from({ length: 65_536 }, (_, bits) => bits);

describe.each([
  ["half", halfToFloat, floatToHalf],
  ["bfloat16", bfloatToFloat, floatToBfloat],
] as const)("%s", (_name, widen, narrow) => {
  it("every one of the 65,536 survives widening and narrowing; NaN stays NaN", () => {
    const wrong = ALL.filter((bits) => {
      const value = widen(bits);
      return Number.isNaN(value) ? !Number.isNaN(widen(narrow(value))) : narrow(value) !== bits;
    });
    expect(wrong).toEqual([]);
  });

  it("narrows to the nearest, and exactly halfway to the even one", () => {
    const finite = ALL.filter((bits) => bits < 0x8000 && Number.isFinite(widen(bits)));
    const random = new Random(1);
    for (let i = 0; i < 3000; i++) {
      const below = random.below(finite.length - 1);
      const [low, high] = [widen(below), widen(below + 1)];
      const middle = (low + high) / 2; // exact in f32: one bit more than either format has
      expect(narrow(middle)).toBe(below % 2 === 0 ? below : below + 1);
      const share = random.uniform();
      const value = Math.fround(low + share * (high - low));
      const nearest = value - low < high - value ? below : below + 1;
      if (value !== middle) expect(narrow(value)).toBe(nearest);
      if (value !== middle) expect(narrow(-value)).toBe(nearest | 0x8000);
    }
  });
});

describe("halfToFloat, floatToHalf", () => {
  it.each([
    ["one", 0x3c00, 1],
    ["the largest", 0x7bff, 65_504],
    ["the smallest normal", 0x0400, 2 ** -14],
    ["the largest subnormal", 0x03ff, 1023 * 2 ** -24],
    ["the smallest", 0x0001, 2 ** -24],
    ["infinity", 0x7c00, Number.POSITIVE_INFINITY],
    ["minus zero", 0x8000, -0],
  ])("%s", (_why, bits, value) => {
    expect(halfToFloat(bits)).toBe(value);
    expect(floatToHalf(value)).toBe(bits);
  });

  it.each([
    ["halfway beyond the largest is infinity", 65_520, 0x7c00],
    ["just below that is the largest", 65_519.996, 0x7bff],
    ["half the smallest goes to even zero", 2 ** -25, 0],
    ["just above goes up", 2 ** -25 * 1.0001, 1],
    ["1e38 is infinity", 1e38, 0x7c00],
  ])("%s", (_why, value, bits) => {
    expect(floatToHalf(value)).toBe(bits);
  });
});

describe("floatToBfloat", () => {
  it("keeps one and rounds the largest f32 to infinity", () => {
    expect(floatToBfloat(1)).toBe(0x3f80);
    expect(floatToBfloat(3.4028234663852886e38)).toBe(0x7f80);
  });
});
