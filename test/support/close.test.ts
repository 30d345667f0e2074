import { expect, test } from "vitest";
import { expectClose, within } from "./close.js";

const bound = within(0.1, "a test");

test("expectClose() returns the worst error as a share of its bound", () => {
  expect(expectClose([1, 2.05, 3], [1, 2, 3], bound)).toBeCloseTo(0.5, 10);
});

test.each([
  ["a NaN before a good value", [Number.NaN, 1], [1, 1]],
  ["a NaN between good values", [1, Number.NaN, 1], [1, 1, 1]],
  ["a NaN after a bad value", [5, Number.NaN, 1], [1, 1, 1]],
  ["an expectation of NaN", [1, 1], [Number.NaN, 1]],
  ["an infinity", [Number.POSITIVE_INFINITY, 1], [1, 1]],
  ["a bad value before good ones", [1.2, 1], [1, 1]],
])("expectClose() throws on %s", (_, actual, expected) => {
  expect(() => expectClose(actual, expected, bound)).toThrow("[");
});

test("expectClose() throws on a bound that is NaN", () => {
  expect(() => expectClose([1.5, 1], [1, 1], within(Number.NaN, "no bound"))).toThrow("no bound");
});
