import { describe, expect, it } from "vitest";
import { ConfigError, TextError } from "../../src/errors.js";
import { Random } from "../../src/random.js";
import { countModelBitsPerChar } from "../../src/text/count-model.js";

describe("countModelBitsPerChar", () => {
  it("order 0: −log2 of (count + add) / (total + add·V), V = 2 letters and one for the unseen", () => {
    // train aab: p(a) = 2.5/4.5, p(b) = 1.5/4.5, p(any other) = 0.5/4.5
    const expected = -(Math.log2(2.5 / 4.5) + Math.log2(1.5 / 4.5) + Math.log2(0.5 / 4.5)) / 3;
    expect(countModelBitsPerChar("aab", "ab?", 0, 0.5)).toBeCloseTo(expected, 12);
  });

  it("order 2: history runs on from the end of the training part", () => {
    // abcab: after "ab" came c once, so p(c|ab) = 1.1/1.4; then p(a|bc) = 1.1/1.4; then "ca" was followed by b.
    expect(countModelBitsPerChar("abcab", "cab", 2, 0.1)).toBeCloseTo(-Math.log2(1.1 / 1.4), 12);
  });

  it("a history never seen gives every symbol the same share", () => {
    expect(countModelBitsPerChar("ab", "?a", 1, 0.1)).toBeCloseTo(
      -(Math.log2(0.1 / 0.3) + Math.log2(1 / 3)) / 2,
      12,
    );
  });

  it("probabilities of all symbols sum to one", () => {
    const sum = ["a", "b", "c", "?"].reduce(
      (p, c) => p + 2 ** -countModelBitsPerChar("abcaab", c, 2, 0.1),
      0,
    );
    expect(sum).toBeCloseTo(1, 12);
  });

  it("a text that repeats costs next to nothing, a random one log2 of its alphabet", () => {
    expect(countModelBitsPerChar("abcd".repeat(500), "abcd".repeat(50), 2, 0.1)).toBeLessThan(0.01);
    const source = new Random(1);
    const random = Array.from({ length: 20_000 }, () => "abcd"[source.below(4)]).join("");
    expect(countModelBitsPerChar(random.slice(0, 18_000), random.slice(18_000), 2, 0.1)).toBeCloseTo(2, 1);
  });

  it.each([
    ["an empty held-out part", "abcdef", "", 2, 0.1, TextError],
    ["a training part no longer than the history", "ab", "abc", 2, 0.1, TextError],
    ["a negative order", "abc", "abc", -1, 0.1, ConfigError],
    ["add 0, which makes unseen characters impossible", "abc", "abc", 1, 0, ConfigError],
    ["more histories than numbers", "abcdefgh".repeat(3), "abc", 17, 0.1, ConfigError],
  ])("refuses %s", (_why, train, heldOut, order, add, expected) => {
    expect(() => countModelBitsPerChar(train, heldOut, order, add)).toThrow(expected);
  });
});
