import type { DecodeAttentionDims } from "../../src/kernels/decode-attention.js";

export interface DecodeArrays {
  /** [rows, headSize] */
  readonly q: ArrayLike<number>;
  /** [rows, capacity, headSize], as v. */
  readonly k: ArrayLike<number>;
  readonly v: ArrayLike<number>;
  /** [rows, rounds, capacity]: tokens 0 … position by bucket. */
  readonly order?: ArrayLike<number>;
  /** [rows, rounds, capacity] */
  readonly ids?: ArrayLike<number>;
}

/** Token and round of every key that the new token of one row meets. */
export function decodeKeys(
  d: DecodeAttentionDims,
  { order }: DecodeArrays,
  row: number,
  position: number,
): { token: number; round: number }[] {
  const tokens = position + 1;
  if (!d.sorted) {
    let first = 0;
    if (d.chunkLength > 0 && tokens >= d.fullBelow) {
      first = (Math.floor(position / d.chunkLength) - d.chunksBefore) * d.chunkLength;
      if (d.shortened && first < 0) first += position; // counts from the end of the tokens before
      first = Math.max(0, first);
    }
    return Array.from({ length: tokens - first }, (_, j) => ({ token: first + j, round: 0 }));
  }
  const window = d.chunkLength * (1 + d.chunksBefore + d.chunksAfter);
  return Array.from({ length: d.rounds }, (_, round) => {
    const start = (row * d.rounds + round) * d.capacity;
    const slots = Array.from({ length: tokens }, (_, slot) => order![start + slot]!);
    const first = (Math.floor(slots.indexOf(position) / d.chunkLength) - d.chunksBefore) * d.chunkLength;
    return Array.from({ length: window }, (_, j) => {
      const slot = (((first + j) % tokens) + tokens) % tokens;
      return { token: slots[slot]!, round };
    });
  }).flat();
}

/** out [rows, headSize], and the largest |query|·|key| / √headSize of each row. */
export function decodeAttention(
  d: DecodeAttentionDims,
  arrays: DecodeArrays,
  position: number,
): { readonly out: number[]; readonly sizes: number[] } {
  const out: number[] = [];
  const sizes: number[] = [];
  const vector = (source: ArrayLike<number>, at: number) =>
    Array.from({ length: d.headSize }, (_, i) => source[at * d.headSize + i]!);
  const dot = (a: readonly number[], b: readonly number[]) => a.reduce((sum, x, i) => sum + x * b[i]!, 0);
  for (let row = 0; row < d.rows; row++) {
    const query = vector(arrays.q, row);
    const bucket = (token: number, round: number) =>
      arrays.ids![(row * d.rounds + round) * d.capacity + token]!;
    const met = decodeKeys(d, arrays, row, position).map(({ token, round }) => {
      const key = vector(arrays.k, row * d.capacity + token);
      const norm = d.shared ? Math.sqrt(dot(key, key) / d.headSize + 1e-6) : 1;
      const other = d.sorted && !d.acrossBuckets && bucket(token, round) !== bucket(position, round);
      const self = d.shared && token === position;
      const score = dot(query, key) / norm / Math.sqrt(d.headSize);
      const size = Math.sqrt((dot(query, query) * dot(key, key)) / d.headSize) / norm;
      return { token, other, size, logit: self ? -1e5 : other ? -1e7 : score };
    });
    if (d.sorted && d.duplicates === "once") {
      for (const one of met) {
        const copies = met.filter(({ token, other }) => token === one.token && !other).length;
        one.logit -= Math.log(Math.max(1, copies));
      }
    }
    const top = Math.max(...met.map(({ logit }) => logit));
    const weights = met.map(({ logit }) => Math.exp(logit - top));
    const total = weights.reduce((sum, w) => sum + w, 0);
    for (let i = 0; i < d.headSize; i++) {
      const values = met.map(({ token }) => arrays.v[(row * d.capacity + token) * d.headSize + i]!);
      out.push(values.reduce((sum, value, j) => sum + (weights[j]! / total) * value, 0));
    }
    sizes.push(Math.max(...met.map(({ size }) => size)));
  }
  return { out, sizes };
}
