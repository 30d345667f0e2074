import { expect, test } from "vitest";
import { getDevice } from "../support/device.js";
import type { TypedArray } from "../support/run-kernel.js";
import { MEASUREMENTS } from "./benchmark.js";
import type { Run } from "./check.js";
import { CHECKS, type CheckResult, runChecks, runOn } from "./self-test.js";

/** A software adapter compiles some kernels for seconds. */
const LIMIT = 300_000;

async function failed(run: Run): Promise<CheckResult[]> {
  const results: CheckResult[] = [];
  for await (const result of runChecks(run)) results.push(result);
  expect(results).toHaveLength(CHECKS.length);
  return results.filter(({ passed }) => !passed);
}

test("the self-test covers every kernel family", () => {
  const files = Object.keys(import.meta.glob("../../src/kernels/*.ts"));
  const families = files.map((path) => path.replace(/^.*\/|\.ts$/g, ""));
  expect(new Set(CHECKS.map(({ family }) => family))).toEqual(new Set(families));
});

test(
  "the self-test passes on this device, and fails in every check where results have wrong bits",
  async () => {
    const device = await getDevice();
    const kept: Record<string, TypedArray>[] = [];
    const keeping: Run = async (calls, values) => {
      const results = await runOn(device)(calls, values);
      kept.push(results);
      return results;
    };
    expect(await failed(keeping)).toEqual([]);

    const wrong: Run = async () => {
      const results = Object.entries(kept.shift() ?? {}).map(([name, values]) => {
        const words = new Uint32Array(values.slice().buffer);
        words.forEach((word, i) => void words.set([word ^ 0x80_0000], i)); // doubles or halves a float
        return [name, new (values.constructor as new (buffer: ArrayBuffer) => TypedArray)(words.buffer)];
      });
      return Object.fromEntries(results);
    };
    expect(await failed(wrong)).toHaveLength(CHECKS.length);
  },
  LIMIT,
);

test.each(MEASUREMENTS)(
  "the speed of $name is a median of samples that a clock can time",
  async ({ name, measure }) => {
    const { value, samples, ...rest } = await measure(await getDevice(), "software");
    expect(rest.name).toBe(name);
    expect(value).toBeGreaterThan(0);
    expect(samples).toHaveLength(7);
    const [least = 0, middle = 0] = [0, 3].map((i) => [...samples].sort((a, b) => a - b)[i]);
    expect(least).toBeGreaterThan(0);
    expect(middle, "milliseconds of the middle sample").toBeGreaterThanOrEqual(5);
  },
  LIMIT,
);
