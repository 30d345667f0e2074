import { describe, expect, test } from "vitest";
import { ConfigError } from "../../src/errors.js";
import { learningRateAt, resolveSchedule, SCHEDULES } from "../../src/train/schedule.js";

const base = { learningRate: 0.01, steps: 105, warmupSteps: 5 };
const rates = (schedule: Parameters<typeof resolveSchedule>[0], steps: readonly number[]) =>
  steps.map((step) => learningRateAt(resolveSchedule(schedule), step));

test.each(SCHEDULES)("learningRateAt() of %s rises in equal parts to the full rate", (kind) => {
  expect(rates({ ...base, kind }, [1, 2, 3, 4, 5, 6])).toEqual(
    [1, 2, 3, 4, 5, 5].map((part) => (0.01 * part) / 5),
  );
});

test("learningRateAt() falls as its schedule says", () => {
  const steps = [6, 31, 56, 106, 1000]; // progress 0, 1/4, 1/2, 1, and beyond
  const close = (actual: number[], expected: number[]) => {
    expect(actual).toHaveLength(expected.length);
    // A few f64 operations on numbers up to 0.01.
    for (const [i, rate] of actual.entries()) expect(Math.abs(rate - expected[i]!)).toBeLessThan(1e-17);
  };
  close(rates({ ...base, kind: "constant" }, steps), [0.01, 0.01, 0.01, 0.01, 0.01]);
  close(rates({ ...base, kind: "linear" }, steps), [0.01, 0.0075, 0.005, 0, 0]);
  close(
    rates({ ...base, kind: "linear", finalLearningRate: 0.002 }, steps),
    [0.01, 0.008, 0.006, 0.002, 0.002],
  );
  const quarter = 0.005 * (1 + Math.SQRT1_2);
  close(rates({ ...base, kind: "cosine" }, steps), [0.01, quarter, 0.005, 0, 0]);
  close(rates({ ...base, kind: "inverse-square-root" }, [6, 21, 81]), [0.01, 0.005, 0.0025]);
  close(rates({ ...base, kind: "inverse-square-root", finalLearningRate: 0.004 }, [21, 81]), [0.005, 0.004]);
});

test("learningRateAt() without warm-up starts at the full rate, for a single step too", () => {
  for (const kind of SCHEDULES) {
    expect(rates({ kind, learningRate: 0.5, steps: 1 }, [1])).toEqual([0.5]);
    expect(rates({ kind, learningRate: 0.5, steps: 3, warmupSteps: 3 }, [1, 3])).toEqual([0.5 / 3, 0.5]);
  }
});

describe("resolveSchedule() refuses", () => {
  test.each([
    ["kind", { kind: "step" as "linear" }],
    ["learningRate", { learningRate: Number.NaN }],
    ["learningRate", { learningRate: -1 }],
    ["steps", { steps: 0 }],
    ["warmupSteps", { warmupSteps: 1.5 }],
    ["finalLearningRate", { finalLearningRate: 1 }],
  ])("a wrong %s, naming it and its value", (field, wrong) => {
    const resolve = () => resolveSchedule({ ...base, ...wrong });
    expect(resolve).toThrow(ConfigError);
    expect(resolve).toThrow(`${field} is ${Object.values(wrong)[0]}, but must be`);
  });
});
