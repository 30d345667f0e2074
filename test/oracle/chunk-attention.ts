/** Attention over chunks, from its definition: one softmax over everything a query meets in all rounds. */

export interface AttentionCase {
  readonly batch: number;
  readonly heads: number;
  readonly length: number;
  readonly headSize: number;
  readonly rounds: number;
  readonly chunkLength: number;
  readonly chunksBefore: number;
  readonly chunksAfter: number;
  readonly causal: boolean;
  readonly shared: boolean;
  readonly sorted: boolean;
  readonly masked: boolean;
  readonly duplicates: "count" | "once";
  readonly acrossBuckets: boolean;
}

export interface AttentionArrays {
  /** [batch, heads, length, headSize], as k and v. */
  readonly q: ArrayLike<number>;
  readonly k?: ArrayLike<number>;
  readonly v: ArrayLike<number>;
  /** [batch, heads, rounds, length] */
  readonly order?: ArrayLike<number>;
  /** [batch, heads, rounds, length], equal ids in different rounds are different buckets. */
  readonly bucketIds?: ArrayLike<number>;
  /** [batch, length] */
  readonly keyMask?: ArrayLike<number>;
  /** What dropout multiplies a weight with; 1 if absent. */
  readonly factor?: (place: PairPlace) => number;
}

export interface PairPlace {
  /** batch * heads + head */
  readonly row: number;
  readonly round: number;
  /** Slot of the query over all rounds, and column of the key in its window. */
  readonly slot: number;
  readonly column: number;
  readonly query: number;
  readonly key: number;
}

/** One key that a query meets. */
export interface Pair extends PairPlace {
  logit: number;
  /** The logit is the score: a gradient flows through it. */
  live: boolean;
  /** Softmax weight before dropout. */
  weight: number;
  readonly factor: number;
}

/** Vector of a token as a key, scaled: k / √D, or q / rms(q) / √D. */
export function keyVector(a: AttentionCase, arrays: AttentionArrays, row: number, token: number): number[] {
  const source = a.shared ? arrays.q : (arrays.k as ArrayLike<number>);
  const vector = vectorOf(source, a, row, token);
  const squares = vector.reduce((sum, x) => sum + x * x, 0);
  const norm = a.shared ? Math.sqrt(squares / a.headSize + 1e-6) : 1;
  return vector.map((x) => x / norm / Math.sqrt(a.headSize));
}

export function vectorOf(source: ArrayLike<number>, a: AttentionCase, row: number, token: number): number[] {
  return Array.from(
    { length: a.headSize },
    (_, i) => source[(row * a.length + token) * a.headSize + i] as number,
  );
}

export const dot = (x: readonly number[], y: readonly number[]): number =>
  x.reduce((sum, value, i) => sum + value * (y[i] as number), 0);

/** All pairs, by [row * length + query], with softmax weights over each query's pairs; and (m, l) of each. */
export function attentionPairs(
  a: AttentionCase,
  arrays: AttentionArrays,
): { readonly pairs: Pair[][]; readonly m: number[]; readonly l: number[] } {
  const chunks = a.length / a.chunkLength;
  const ring = a.rounds * chunks;
  const pairs: Pair[][] = Array.from({ length: a.batch * a.heads * a.length }, () => []);
  const inRounds = (array: ArrayLike<number> | undefined, row: number, at: number) =>
    array?.[row * a.rounds * a.length + at] as number;
  for (let row = 0; row < a.batch * a.heads; row++) {
    const keys = Array.from({ length: a.length }, (_, t) => keyVector(a, arrays, row, t));
    const tokenAt = (slot: number) => (a.sorted ? inRounds(arrays.order, row, slot) : slot);
    for (let slot = 0; slot < a.rounds * a.length; slot++) {
      const round = Math.floor(slot / a.length);
      const query = tokenAt(slot);
      const vector = vectorOf(arrays.q, a, row, query);
      const chunk = Math.floor(slot / a.chunkLength);
      for (let column = 0; column < a.chunkLength * (a.chunksBefore + 1 + a.chunksAfter); column++) {
        const offset = Math.floor(column / a.chunkLength) - a.chunksBefore;
        const keyChunk = (((chunk + offset) % ring) + ring) % ring;
        const keyRound = Math.floor(keyChunk / chunks);
        const key = tokenAt(keyChunk * a.chunkLength + (column % a.chunkLength));
        const place: PairPlace = { row, round, slot, column, query, key };
        const kept = !a.masked || arrays.keyMask?.[Math.floor(row / a.heads) * a.length + key] === 1;
        const sameBucket =
          round === keyRound &&
          inRounds(arrays.bucketIds, row, round * a.length + query) ===
            inRounds(arrays.bucketIds, row, round * a.length + key);
        let logit = dot(vector, keys[key] as number[]);
        let live = false;
        if (a.shared && query === key) logit = -1e5;
        else if (!kept || (a.causal && key > query)) logit = -1e9;
        else if (!a.acrossBuckets && !sameBucket) logit = -1e7;
        else live = true;
        pairs[row * a.length + query]?.push({
          ...place,
          logit,
          live,
          weight: 0,
          factor: arrays.factor?.(place) ?? 1,
        });
      }
    }
  }
  if (a.duplicates === "once") for (const met of pairs) weighCopiesOnce(met);
  const m = pairs.map((met) => met.reduce((largest, { logit }) => Math.max(largest, logit), -Infinity));
  const l = pairs.map((met, i) =>
    met.reduce((sum, { logit }) => sum + Math.exp(logit - (m[i] as number)), 0),
  );
  pairs.forEach((met, i) => {
    for (const pair of met) pair.weight = Math.exp(pair.logit - (m[i] as number)) / (l[i] as number);
  });
  return { pairs, m, l };
}

/** Of the copies of a key that are candidates alike, each weighs as one part of one. */
function weighCopiesOnce(met: Pair[]): void {
  const candidate = (pair: Pair) => pair.logit !== -1e7;
  const copies = new Map<number, number>();
  for (const pair of met) if (candidate(pair)) copies.set(pair.key, (copies.get(pair.key) ?? 0) + 1);
  for (const pair of met) if (candidate(pair)) pair.logit -= Math.log(copies.get(pair.key) as number);
}

/** out [batch, heads, length, headSize]. */
export function chunkAttention(a: AttentionCase, arrays: AttentionArrays): Float64Array {
  const { pairs } = attentionPairs(a, arrays);
  const out = new Float64Array(a.batch * a.heads * a.length * a.headSize);
  pairs.forEach((met, at) => {
    for (const { row, key, weight, factor } of met) {
      const value = vectorOf(arrays.v, a, row, key);
      for (let i = 0; i < a.headSize; i++)
        out[at * a.headSize + i]! += weight * factor * (value[i] as number);
    }
  });
  return out;
}
