import { expect, test } from "vitest";
import { getDevice } from "../support/device.js";
import type { TypedArray } from "../support/run-kernel.js";
import { MEASUREMENTS, type Measured } from "./benchmark.js";
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

/** What one run of a measurement does: billions of operations, or tokens. */
const WORK: Readonly<Record<Measured["name"], (sizes: Measured["sizes"]) => number>> = {
  matmul: ({ size = 0, products = 0 }) => (2 * products * size ** 3) / 1e9,
  attention: ({ length = 0 }) => length,
  training: ({ length = 0, batchSize = 0 }) => length * batchSize,
};

test.each(MEASUREMENTS)(
  "the speed of $name is the work of a run over the median of seven samples",
  async ({ name, measure }) => {
    const { value, samples, runs, sizes } = await measure(await getDevice(), "software");
    expect(samples).toHaveLength(7);
    const [least = 0, , , median = 0] = [...samples].sort((a, b) => a - b);
    expect(least).toBeGreaterThan(0);
    expect(value / ((WORK[name](sizes) * runs) / (median / 1000))).toBeCloseTo(1, 9);
  },
  LIMIT,
);
