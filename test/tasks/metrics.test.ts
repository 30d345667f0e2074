// Every number here was worked out by hand; the comments say how.
import { expect, test } from "vitest";
import {
  accuracy,
  areaUnderRoc,
  calibrationError,
  exactMatch,
  macroF1,
  normalizedAnswer,
  tokenF1,
} from "../../src/tasks/metrics.js";

test("accuracy() is the share of right predictions", () => {
  expect(accuracy([0, 1, 2, 1], [0, 1, 1, 1])).toBe(0.75);
  expect(() => accuracy([1], [1, 2])).toThrow("1 predictions and 2 truths");
  expect(() => accuracy([], [])).toThrow("0 predictions");
});

test("macroF1() averages the labels that occur", () => {
  // Label 0: 1 right, 1 predicted wrongly, 1 missed: 2/4. Label 1: 2 right, 1 missed: 4/5. Label 2: never right: 0.
  expect(macroF1([0, 0, 1, 1, 2], [0, 1, 1, 1, 0])).toBeCloseTo((0.5 + 0.8 + 0) / 3, 15);
  expect(macroF1([3, 3], [3, 3])).toBe(1);
  expect(macroF1(["spam", "ham"], ["spam", "spam"])).toBeCloseTo(2 / 3 / 2, 15); // 2/3 and 0
});

test("areaUnderRoc() counts pairs in order, ties as half", () => {
  // Positives 0.9, 0.4; negatives 0.5, 0.4, 0.1. Pairs won: 3 of 3, and 1 and a half of 3: 4.5 of 6.
  expect(areaUnderRoc([0.9, 0.4, 0.5, 0.4, 0.1], [true, true, false, false, false])).toBe(0.75);
  expect(areaUnderRoc([2, 1], [true, false])).toBe(1);
  expect(areaUnderRoc([1, 1], [true, false])).toBe(0.5);
  expect(() => areaUnderRoc([1, 2], [true, true])).toThrow("2 positives and 0 negatives");
  expect(() => areaUnderRoc([1, Number.NaN], [true, false])).toThrow("score 1 is NaN");
});

test("exactMatch() compares answers without case, signs and articles", () => {
  expect(normalizedAnswer("  The Whale,  an  animal!")).toBe("whale animal");
  expect(exactMatch("The whale.", "whale")).toBe(1);
  expect(exactMatch("white whale", "whale")).toBe(0);
});

test("tokenF1() counts shared words as often as both have them", () => {
  // 2 shared of 3 and 2: 2·2/5. "whale" twice against once shares one: 2·1/3.
  expect(tokenF1("big white whale", "the white whale")).toBe(0.8);
  expect(tokenF1("whale whale", "whale")).toBeCloseTo(2 / 3, 15);
  expect(tokenF1("", "")).toBe(1);
  expect(tokenF1("whale", "")).toBe(0);
});

test("calibrationError() weighs the gaps of the bins by their size", () => {
  // Bin 9: 0.95 and 0.91, one right: |1.86 - 1|. Bin 6: 0.6, right: |0.6 - 1|. Together 1.26 of 3.
  expect(calibrationError([0.95, 0.91, 0.6], [true, false, true])).toBeCloseTo(0.42, 12);
  expect(calibrationError([1, 1], [true, true])).toBe(0);
  expect(() => calibrationError([0.5, 1.5], [true, true])).toThrow("confidence 1 is 1.5");
  expect(() => calibrationError([0.5], [true], 0)).toThrow("bins is 0");
});
