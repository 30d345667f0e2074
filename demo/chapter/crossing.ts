/** From which length on LSH attention is the faster one, as station 4 measured it. */
import type { Findings } from "./chapter.js";

export interface Crossing {
  /** Lengths that both kinds of attention were measured at. */
  readonly shortest: number;
  readonly longest: number;
  /** The longest at which full attention was as fast or faster, and how many times as long LSH took; null: none. */
  readonly before: { readonly length: number; readonly times: number } | null;
  /** The shortest from which LSH was the faster one at every length measured; null: it was not even at the longest. */
  readonly from: number | null;
  readonly rounds: number;
}

/** null where no length was measured with both. */
export function crossing(scaling: Findings["scaling"]): Crossing | null {
  const both = scaling
    .flatMap(({ length, rounds, full, lsh }) =>
      full === null ? [] : [{ length, rounds, times: lsh / full }],
    )
    .sort((a, b) => a.length - b.length);
  const [first, last] = [both[0], both.at(-1)];
  if (!first || !last) return null;
  const at = both.findLastIndex(({ times }) => times >= 1);
  const before = both[at];
  return {
    ...{ shortest: first.length, longest: last.length, rounds: first.rounds },
    before: before ? { length: before.length, times: before.times } : null,
    from: both[at + 1]?.length ?? null,
  };
}
