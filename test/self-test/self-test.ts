// Every kernel family on small seeded inputs against plain references in f64, on any device.

import { requestDevice } from "../../src/gpu/gpu.js";
import { profileOf } from "../../src/scheduler/profile.js";
import { worstOf } from "../conformance/compare.js";
import { runKernels } from "../support/run-kernel.js";
import { ATTENTION_CHECKS } from "./attention.js";
import { type Check, type Run, targetOf } from "./check.js";
import { DECODING_CHECKS } from "./decoding.js";
import { DENSE_CHECKS } from "./dense.js";
import { HASHING_CHECKS } from "./hashing.js";
import { HEAD_CHECKS } from "./heads.js";
import { TRAINING_CHECKS } from "./training.js";

export const CHECKS: readonly Check[] = [
  ...DENSE_CHECKS,
  ...ATTENTION_CHECKS,
  ...HASHING_CHECKS,
  ...TRAINING_CHECKS,
  ...DECODING_CHECKS,
  ...HEAD_CHECKS,
];

/** How one check went. Error and bound belong to the element nearest to its bound, relative to its tensor's largest value. */
export interface CheckResult {
  readonly family: string;
  readonly what: string;
  readonly passed: boolean;
  readonly tensor: string;
  readonly error: number;
  readonly bound: number;
  /** Why it could not be judged. */
  readonly message?: string;
}

/** Opens the device that the engine would open: with the same limits and features. */
export { requestDevice };

/** Runs kernels on a device, in the variants that the engine would choose there. */
export function runOn(device: GPUDevice): Run {
  const { software = false } = profileOf(device);
  return (calls, values) => runKernels(calls, values, { device, software });
}

/** Runs checks in order. One that throws has failed. */
export async function* runChecks(
  run: Run,
  checks: readonly Check[] = CHECKS,
): AsyncGenerator<CheckResult, undefined> {
  for (const { family, what, compare } of checks) {
    try {
      const compared = await compare(run);
      const entries = Object.entries(compared);
      const { share, ...worst } = worstOf(
        new Map(entries.map(([name, each]) => [name, targetOf(each)])),
        new Map(entries.map(([name, { actual }]) => [name, actual ?? []])),
      );
      yield { family, what, passed: share <= 1, ...worst };
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      yield { family, what, passed: false, tensor: "none", error: Infinity, bound: 0, message };
    }
  }
  return undefined;
}
