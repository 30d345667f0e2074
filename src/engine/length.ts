// The longest sequences that a plan has memory for, and what is said where one is longer.
import { lengthStep, longestLength, type ReformerConfig } from "../config/config.js";
import { GpuOutOfMemoryError, ShapeError } from "../errors.js";
import { headGroups } from "../layers/head-groups.js";
import { bytesWithin, type Held, largestWithin, planWithin } from "../scheduler/budget.js";
import type { DeviceProfile, Plan } from "../scheduler/plan.js";

/** Plans a run on sequences of `length` tokens. */
type MakePlan<T> = (profile: DeviceProfile, length: number) => T;

/**
 * The longest length that fits the profile's limits: a multiple of the chunk lengths, or shorter than all of them; 0 where
 * none fits. Needs no GPU.
 */
export function longestFitting(
  config: ReformerConfig,
  profile: DeviceProfile,
  held: Held,
  make: MakePlan<{ readonly plan: Plan }>,
): number {
  const bytes = (length: number, groups: readonly (number | undefined)[]): number => {
    try {
      return bytesWithin(profile, held, (p) => make(p, length), groups);
    } catch (error) {
      if (error instanceof GpuOutOfMemoryError || error instanceof ShapeError)
        return Number.POSITIVE_INFINITY;
      throw error;
    }
  };
  const limit = profile.memoryLimit ?? Number.MAX_VALUE;
  const smallestFirst = headGroups(config).reverse();
  /** The largest of 1…count that fits, times `step`. */
  const largest = (count: number, step: number): number => {
    const within = (groups: readonly (number | undefined)[], from = 0) =>
      largestWithin(count, (i) => bytes(i * step, groups), limit, from);
    // All heads first, whose plans are quick, and only beyond them the others: the smallest groups, which need the least.
    let found = within([undefined]);
    if (smallestFirst.length > 0) found = within(smallestFirst.slice(0, 1), found);
    if (smallestFirst.length > 1) found = within(smallestFirst.slice(1), found);
    return found * step;
  };
  const longest = longestLength(config);
  const step = lengthStep(config);
  return largest(Math.floor(longest / step), step) || largest(Math.min(step - 1, longest), 1);
}

/**
 * As `planWithin`, for sequences of `length` tokens.
 * @throws {GpuOutOfMemoryError} saying what was asked, what there is, and the longest length that fits
 */
export function planLength<T extends { readonly plan: Plan }>(
  config: ReformerConfig,
  length: number,
  profile: DeviceProfile,
  held: Held,
  make: MakePlan<T>,
): T {
  try {
    return planWithin(profile, held, (p) => make(p, length), headGroups(config));
  } catch (error) {
    if (!(error instanceof GpuOutOfMemoryError)) throw error;
    const longest = longestFitting(config, profile, held, make);
    throw new GpuOutOfMemoryError(
      `length ${length}: ${error.message}. ${longest ? `The longest length that fits is ${longest}` : "No length fits"}.`,
      { ...error.details, length, longest },
    );
  }
}
