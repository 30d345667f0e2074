// Compares computed quantities with recorded ones, element by element, each within its own bound.
import type { Tolerance } from "./case.js";

/** Recorded or corrected values and how far each may be missed. */
export interface Target {
  readonly values: Float64Array;
  readonly bounds: Float64Array;
}

/** The element of a case that came nearest to its bound, or went furthest beyond it. */
export interface Worst {
  readonly tensor: string;
  /** Error over bound. */
  readonly share: number;
  /** Error and bound, relative to the largest value of the tensor. */
  readonly error: number;
  readonly bound: number;
}

/** looseness · (atol + rtol·|value|) + spread. */
export function target(
  values: Float64Array,
  { atol, rtol }: Tolerance,
  looseness: number,
  spread: number,
): Target {
  return { values, bounds: values.map((x) => looseness * (atol + rtol * Math.abs(x)) + spread) };
}

/** The worst element of all targets; a target that was not computed, or holds a NaN, is infinitely wrong. */
export function worstOf(
  targets: ReadonlyMap<string, Target>,
  computed: ReadonlyMap<string, ArrayLike<number>>,
): Worst {
  let worst: Worst = { tensor: "none", share: 0, error: 0, bound: 0 };
  for (const [tensor, { values, bounds }] of targets) {
    const got = computed.get(tensor);
    if (got?.length !== values.length) {
      return { tensor: `${tensor} not computed`, share: Infinity, error: Infinity, bound: 0 };
    }
    const scale = values.reduce((largest, x) => Math.max(largest, Math.abs(x)), Number.MIN_VALUE);
    values.forEach((value, i) => {
      const error = Math.abs((got[i] as number) - value);
      const bound = bounds[i] as number;
      const share = error === 0 ? 0 : error / bound;
      if (!(share <= worst.share)) {
        const finite = Number.isFinite(share);
        worst = { tensor, share: finite ? share : Infinity, error: error / scale, bound: bound / scale };
      }
    });
  }
  return worst;
}
