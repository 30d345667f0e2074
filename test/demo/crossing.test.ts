import { expect, test } from "vitest";
import { crossing } from "../../demo/chapter/crossing.js";

const measured = (...times: readonly [length: number, full: number | null, lsh: number][]) =>
  times.map(([length, full, lsh]) => ({ length, rounds: 2, full, lsh }));

test("nothing is said where no length was measured with both", () => {
  expect(crossing([])).toBeNull();
  expect(crossing(measured([128, null, 1]))).toBeNull();
});

test("the crossing lies between the last length that full attention wins and the next", () => {
  const found = crossing(measured([512, 4, 2], [128, 1, 3], [256, 2, 2.5], [1024, null, 4]));
  expect(found).toEqual({
    ...{ shortest: 128, longest: 512, rounds: 2 },
    ...{ before: { length: 256, times: 1.25 }, from: 512 },
  });
});

test("one that wins everywhere leaves no crossing, and a tie is full attention's", () => {
  expect(crossing(measured([128, 2, 1], [256, 8, 2]))).toMatchObject({ before: null, from: 128 });
  expect(crossing(measured([128, 1, 2], [256, 2, 2]))).toMatchObject({
    ...{ before: { length: 256, times: 1 }, from: null },
  });
});

test("a win of LSH that a longer text takes back is no crossing", () => {
  expect(crossing(measured([128, 2, 1], [256, 1, 2], [512, 4, 1]))).toMatchObject({
    ...{ before: { length: 256, times: 2 }, from: 512 },
  });
});
