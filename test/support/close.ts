// Comparison with a derived bound: every tolerance says where it comes from.

/** Unit roundoff of f32: half the distance from 1 to the next number. */
export const U32 = 2 ** -24;

/** A bound on |actual - expected|, constant or per element, with its derivation. */
export interface Bound {
  readonly why: string;
  readonly at: (index: number) => number;
}

/** The same bound for every element. */
export function within(bound: number, why: string): Bound {
  return { why, at: () => bound };
}

/** `factor` unit roundoffs of each element of `scale` (for sums: the sum of the terms' magnitudes). */
export function ulps(factor: number, scale: ArrayLike<number>, why: string): Bound {
  return { why, at: (i) => factor * U32 * Math.abs(scale[i] ?? 0) + 2 ** -126 };
}

/** Throws with the worst element, both values, the bound and its derivation. Returns the worst error over its bound. */
export function expectClose(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  bound: Bound,
  name = "values",
): number {
  if (actual.length !== expected.length) {
    throw new Error(`${name}: ${actual.length} values, ${expected.length} expected`);
  }
  let worst = -1;
  let worstShare = 0;
  for (let i = 0; i < actual.length; i++) {
    const error = Math.abs((actual[i] as number) - (expected[i] as number));
    const ratio = error === 0 ? 0 : error / bound.at(i);
    // A NaN compares false with everything after it: as infinity it stays the worst.
    const share = Number.isNaN(ratio) ? Number.POSITIVE_INFINITY : ratio;
    if (!(share <= worstShare)) {
      worst = i;
      worstShare = share;
    }
  }
  if (worst >= 0 && !(worstShare <= 1)) {
    throw new Error(
      `${name}[${worst}] is ${actual[worst]}, expected ${expected[worst]}: off by ${Math.abs((actual[worst] as number) - (expected[worst] as number))}, allowed ${bound.at(worst)} (${bound.why})`,
    );
  }
  return worstShare;
}
