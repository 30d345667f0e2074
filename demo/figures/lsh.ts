/** LSH attention on the CPU, small and plain: hash, sort, chunk, and who meets whom. For figures. */
import { dot, normal, randomNumbers } from "./words.js";

export interface Hashing {
  readonly rounds: number;
  /** Even. */
  readonly buckets: number;
  readonly chunk: number;
  readonly seed: number;
}

export interface Hashed {
  /** [round][token] */
  readonly buckets: readonly (readonly number[])[];
  /** Tokens sorted by bucket, by round. */
  readonly order: readonly (readonly number[])[];
  /** Tokens that each one meets in its chunk and the one before, itself left out, over all rounds. */
  readonly meets: readonly ReadonlySet<number>[];
  /** Pairs of a query and a key that are scored, counted in every round. */
  readonly pairs: number;
}

/** A vector's bucket: the nearest of N/2 random directions and their opposites. */
export function hashWords(
  vectors: readonly Float32Array[],
  { rounds, buckets, chunk, seed }: Hashing,
): Hashed {
  const size = vectors[0]?.length ?? 0;
  const meets = vectors.map(() => new Set<number>());
  const hashed: { buckets: number[][]; order: number[][] } = { buckets: [], order: [] };
  let pairs = 0;
  for (let round = 0; round < rounds; round++) {
    const next = randomNumbers(seed * 97 + round);
    const directions = Array.from({ length: buckets / 2 }, () =>
      Float32Array.from({ length: size }, () => normal(next)),
    );
    const ids = vectors.map((vector) => {
      let [best, most] = [0, Number.NEGATIVE_INFINITY];
      for (const [i, direction] of directions.entries()) {
        const along = dot(vector, direction);
        if (along > most) [best, most] = [i, along];
        if (-along > most) [best, most] = [i + buckets / 2, -along];
      }
      return best;
    });
    const order = ids.map((_, i) => i).sort((a, b) => (ids[a] ?? 0) - (ids[b] ?? 0) || a - b);
    for (const [slot, token] of order.entries()) {
      const own = Math.floor(slot / chunk);
      for (const key of order.slice(Math.max(0, own - 1) * chunk, (own + 1) * chunk)) {
        pairs++;
        if (key !== token) meets[token]?.add(key);
      }
    }
    hashed.buckets.push(ids);
    hashed.order.push(order);
  }
  return { ...hashed, meets, pairs };
}

/** The other tokens that each one is most like, the most alike first; words that are the same count too. */
export function bestPartners(vectors: readonly Float32Array[], count: number): number[][] {
  return vectors.map((query, i) => nearest(query, vectors, i, count));
}

function nearest(
  query: Float32Array,
  keys: readonly Float32Array[],
  itself: number,
  count: number,
): number[] {
  return keys
    .map((key, j) => ({ j, like: j === itself ? Number.NEGATIVE_INFINITY : dot(query, key) }))
    .sort((a, b) => b.like - a.like)
    .slice(0, Math.min(count, keys.length - 1))
    .map(({ j }) => j);
}

/** The other tokens that each one is least like. */
export function worstPartners(vectors: readonly Float32Array[], count: number): number[][] {
  const opposite = vectors.map((vector) => vector.map((x) => -x));
  return vectors.map((query, i) => nearest(query, opposite, i, count));
}

/** Share of the best partners that are met. */
export function recall(hashed: Hashed, partners: readonly (readonly number[])[]): number {
  const wanted = partners.flatMap((list, i) => list.map((j) => Number(hashed.meets[i]?.has(j) ?? false)));
  return wanted.reduce((a, b) => a + b, 0) / Math.max(1, wanted.length);
}
