// Plans within a budget of GPU memory: what works on some rows or heads at a time takes fewer of them until everything
// fits.
import { GpuOutOfMemoryError } from "../errors.js";
import { overLimit } from "../gpu/gpu.js";
import type { DeviceProfile, Plan } from "./plan.js";

/** What the rows of feed-forward blocks and heads are divided by, in the order in which it is tried. */
const CHUNK_DIVISORS = [1, 2, 4, 8, 16] as const;

/** GPU memory that is in use before a plan. */
export interface Held {
  /** Bytes of all buffers. */
  readonly bytes: number;
  /** The plan whose arenas the new one shares; they are part of `bytes`. */
  readonly shared?: Plan | undefined;
}

type Make<T> = (profile: DeviceProfile) => T;

/**
 * The first plan that keeps the profile's `memoryLimit` and the device's limits: of all heads at a time, then of each of
 * `headGroups` (the most first), and with each of fewer and fewer rows at a time. What the profile has already chosen
 * (`chunkDivisor`, `headGroup`) is taken where it fits.
 * @throws {GpuOutOfMemoryError} saying what the smallest needs; or as `plan`
 */
export function planWithin<T extends { readonly plan: Plan }>(
  profile: DeviceProfile,
  held: Held,
  make: Make<T>,
  headGroups: readonly number[] = [],
): T {
  const { memoryLimit = Number.POSITIVE_INFINITY } = profile;
  const { planned, bytes } = firstWithin(profile, held, make, [undefined, ...headGroups]);
  if (bytes <= memoryLimit) return planned;
  throw overLimit(bytes, memoryLimit);
}

/** Bytes that the model holds with the first plan within the limit, of some of `headGroups`, or with the smallest where none is. */
export function bytesWithin(
  profile: DeviceProfile,
  held: Held,
  make: Make<{ readonly plan: Plan }>,
  headGroups: readonly (number | undefined)[] = [undefined],
): number {
  const { chunkDivisor: _, headGroup: __, ...open } = profile;
  return firstWithin(open, held, make, headGroups).bytes;
}

interface Sized<T> {
  readonly planned: T;
  /** What is held with it. */
  readonly bytes: number;
}

/** The first plan within the limit, else the smallest. Stops where other numbers of heads at a time do not help. */
function firstWithin<T extends { readonly plan: Plan }>(
  profile: DeviceProfile,
  held: Held,
  make: Make<T>,
  headGroups: readonly (number | undefined)[],
): Sized<T> {
  const { memoryLimit = Number.POSITIVE_INFINITY, chunkDivisor } = profile;
  const sized = (choices: Pick<DeviceProfile, "chunkDivisor" | "headGroup">): Sized<T> => {
    const planned = make({ ...profile, ...choices });
    return { planned, bytes: held.bytes + newBytes(planned.plan, held.shared) };
  };
  let best: Sized<T> | undefined;
  let refusal: GpuOutOfMemoryError | undefined;
  /** Undefined where a tensor is larger than a binding. */
  const attempt = (sizedPlan: () => Sized<T>): Sized<T> | undefined => {
    try {
      return sizedPlan();
    } catch (error) {
      if (!(error instanceof GpuOutOfMemoryError)) throw error;
      refusal = error;
      return undefined;
    }
  };
  const chosen = chunkDivisor === undefined ? undefined : attempt(() => sized({}));
  if (chosen && chosen.bytes <= memoryLimit) return chosen;
  for (const headGroup of headGroups) {
    const next = attempt(() =>
      fewestRows((divisor) => sized({ headGroup, chunkDivisor: divisor }), memoryLimit),
    );
    if (!next) continue;
    if (best && next.bytes >= best.bytes) break; // the most is needed elsewhere
    best = next;
    if (best.bytes <= memoryLimit || best.bytes - best.planned.plan.memory.workspace > memoryLimit) break;
  }
  if (best) return best;
  throw refusal;
}

/** The first plan within the limit, else the smallest. Stops where fewer rows at a time no longer help. */
function fewestRows<T extends { readonly plan: Plan }>(
  sized: (divisor: number) => Sized<T>,
  memoryLimit: number,
): Sized<T> {
  const [first, ...finer] = CHUNK_DIVISORS;
  let best = sized(first);
  for (const divisor of finer) {
    const { plan } = best.planned;
    if (best.bytes <= memoryLimit || best.bytes - plan.memory.workspace > memoryLimit) break;
    const next = sized(divisor);
    const divided = next.planned.plan.params.length > plan.params.length;
    if (divided && next.bytes >= best.bytes) break; // the most is needed elsewhere
    if (next.bytes < best.bytes) best = next;
  }
  return best;
}

/** Bytes that preparing `plan` will ask for: the arenas of `shared` are there already. */
function newBytes(plan: Plan, shared: Plan | undefined): number {
  const arenas = plan.arenas.filter((arena) => shared?.arenas.includes(arena));
  const there = new Set(arenas.flatMap(({ tensors }) => tensors.map((tensor) => plan.place(tensor).buffer)));
  return plan.buffers.reduce((sum, { byteLength }, i) => sum + (there.has(i) ? 0 : byteLength), 0);
}

/** How often the search below halves rather than interpolates, so that no shape of `bytes` makes it slow. */
const HALVE_EVERY = 4;

/**
 * The largest of 1…count whose bytes are within the limit, at least `from`. `bytes` grows with its argument; it is called
 * as little as possible: memory is close to proportional to length, so interpolation needs few steps.
 */
export function largestWithin(count: number, bytes: (i: number) => number, limit: number, from = 0): number {
  let low = { i: from, bytes: 0 };
  let high = { i: count + 1, bytes: Number.POSITIVE_INFINITY };
  for (let steps = 1, i = from + 1; high.i - low.i > 1; steps++) {
    const tried = { i, bytes: bytes(i) };
    if (tried.bytes <= limit) low = tried;
    else high = tried;
    const share = (limit - low.bytes) / (high.bytes - low.bytes);
    const halfway = !Number.isFinite(high.bytes) || steps % HALVE_EVERY === 0;
    // From a length that fits on, what is proportional comes closer than four times as much, which takes long to plan.
    const further = from > 0 && steps === 1 ? Math.min(4, limit / low.bytes) : 4;
    const wanted = high.i > count ? further * low.i : low.i + (high.i - low.i) * (halfway ? 0.5 : share);
    i = Math.min(Math.max(Math.floor(wanted), low.i + 1), high.i - 1);
  }
  return low.i;
}
