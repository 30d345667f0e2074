// What a check of one kernel family is: small seeded inputs, a run on the device, and what it should have given.
import type { Target } from "../conformance/compare.js";
import type { Bound } from "../support/close.js";
import type { call, TypedArray } from "../support/run-kernel.js";

/** A tensor that a kernel wrote, what it should hold in f64, and how far each element may be off. */
export interface Compared {
  readonly actual: ArrayLike<number> | undefined;
  readonly expected: ArrayLike<number>;
  readonly bound: Bound;
}

/** Runs a chain of kernel calls on the device under test; see `runKernels`. */
export type Run = (
  calls: readonly ReturnType<typeof call>[],
  values: Readonly<Record<string, TypedArray>>,
) => Promise<Record<string, TypedArray>>;

export interface Check {
  /** Basename of the kernel's files. */
  readonly family: string;
  /** What of it is run. */
  readonly what: string;
  readonly compare: (run: Run) => Promise<Readonly<Record<string, Compared>>>;
}

export const EXACT: Bound = { why: "whole numbers and copies: exact", at: () => 0 };

/** The same for the judge of the recorded cases. */
export function targetOf({ expected, bound }: Compared): Target {
  const values = Float64Array.from(expected);
  return { values, bounds: values.map((_, i) => bound.at(i)) };
}

export const magnitudes = (values: Float32Array): Float32Array => values.map(Math.abs);
