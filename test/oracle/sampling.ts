// Sampling by sorting, in f64.

export interface Sampling {
  /** 0 takes the likeliest token. */
  readonly temperature: number;
  /** 0: all. */
  readonly topK: number;
  /** 1: all. */
  readonly topP: number;
  /** 1: none. */
  readonly repetitionPenalty: number;
}

/** Probability of every token: 0 for those cut off. `margin` is how far (as a share) the cut by topP is from another. */
export function tokenShares(
  logits: ArrayLike<number>,
  seen: ReadonlySet<number>,
  { temperature, topK, topP, repetitionPenalty }: Sampling,
): { shares: Float64Array; margin: number } {
  const scores = Array.from(logits, (z, j) => {
    if (!seen.has(j)) return z;
    return z > 0 ? z / repetitionPenalty : z * repetitionPenalty;
  });
  const sorted = [...scores].sort((a, b) => b - a);
  if (temperature === 0) {
    const best = scores.indexOf(sorted[0]!);
    return { shares: Float64Array.from(scores, (_, j) => (j === best ? 1 : 0)), margin: Infinity };
  }
  const weigh = (z: number) => Math.exp((z - sorted[0]!) / temperature);
  const sumOf = (values: number[]) => values.reduce((sum, z) => sum + weigh(z), 0);
  let least = topK > 0 ? sorted[Math.min(topK, sorted.length) - 1]! : -Infinity;
  let margin = Infinity;
  if (topP < 1) {
    const kept = sorted.filter((z) => z >= least);
    const total = sumOf(kept);
    let sum = 0;
    let index = 0;
    // Equal scores stay together: the sum is looked at only where the score falls.
    for (; index < kept.length; index++) {
      if (index > 0 && kept[index]! < kept[index - 1]!) {
        margin = Math.min(margin, Math.abs(sum / total - topP));
        if (sum >= topP * total) break;
      }
      sum += weigh(kept[index]!);
    }
    least = kept[index - 1]!;
  }
  const total = sumOf(scores.filter((z) => z >= least));
  return { shares: Float64Array.from(scores, (z) => (z >= least ? weigh(z) / total : 0)), margin };
}
