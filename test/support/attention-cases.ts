// Cases of the attention kernels' tests: settings, seeded inputs for kernel and oracle, and derived error bounds.
import { type ChunkAttentionDims, needsPlaces, oneChunk } from "../../src/kernels/chunk-attention.js";
import { Random, threefry2x32, uniformOf } from "../../src/random.js";
import {
  type AttentionArrays,
  attentionPairs,
  dot,
  keyVector,
  type Pair,
  vectorOf,
} from "../oracle/chunk-attention.js";
import { type Bound, U32 } from "./close.js";
import type { TypedArray } from "./run-kernel.js";
import { controlWords, halvesOf, normals } from "./values.js";

const BUCKETS = 4;
const SEED = [7, 11] as const;
const DRAW = 3;

export interface AttentionCaseInput {
  readonly dims: ChunkAttentionDims;
  /** Ids per round. */
  readonly buckets: number;
  /** Contents of the kernels' bindings. */
  readonly values: Readonly<Record<string, TypedArray>>;
  /** The same for the oracle. */
  readonly arrays: AttentionArrays;
}

const LSH: ChunkAttentionDims = {
  ...oneChunk({
    batch: 1,
    heads: 2,
    length: 48,
    headSize: 8,
    causal: true,
    shared: true,
    masked: false,
    dropout: 0,
    dropoutRate: 0,
    site: 0,
  }),
  rounds: 2,
  chunkLength: 12,
  chunksBefore: 1,
  sorted: true,
};
const LOCAL: ChunkAttentionDims = { ...LSH, rounds: 1, shared: false, sorted: false };

/** Settings by reason; together they reach every branch of the kernels. */
export const ATTENTION_CASES: readonly [why: string, dims: ChunkAttentionDims][] = [
  ["causal LSH, two rounds, chunks that no block fills", { ...LSH, batch: 2 }],
  [
    "LSH both ways with padding, three rounds, heads of five vec4s",
    {
      ...LSH,
      length: 40,
      headSize: 20,
      rounds: 3,
      chunkLength: 8,
      chunksAfter: 1,
      causal: false,
      masked: true,
    },
  ],
  [
    "a window that wraps onto itself, recorded dropout",
    {
      ...LSH,
      length: 16,
      headSize: 4,
      rounds: 1,
      chunkLength: 16,
      chunksAfter: 1,
      dropout: 2,
      dropoutRate: 0.25,
    },
  ],
  [
    "causal LSH with seeded dropout, queries of other rounds in the mirrored window",
    { ...LSH, length: 24, chunkLength: 8, dropout: 1, dropoutRate: 0.25, site: 5 },
  ],
  [
    "causal local attention in short chunks, padded on the left: its rows see no key",
    { ...LOCAL, length: 30, chunkLength: 6, headSize: 4, masked: true },
  ],
  [
    "local attention both ways, rows that may see no key, recorded dropout",
    {
      ...LOCAL,
      batch: 2,
      length: 32,
      headSize: 12,
      chunkLength: 8,
      chunksAfter: 1,
      causal: false,
      masked: true,
      dropout: 2,
      dropoutRate: 0.5,
    },
  ],
  ["causal full attention over several blocks", oneChunk({ ...LOCAL, heads: 1, length: 100, headSize: 64 })],
  [
    "causal full attention with shared keys and padding",
    oneChunk({ ...LSH, length: 20, headSize: 16, masked: true }),
  ],
  ["every copy of a key counted once", { ...LSH, length: 24, rounds: 4, chunkLength: 4, duplicates: "once" }],
  [
    "every copy counted once, within buckets",
    { ...LSH, length: 24, rounds: 4, chunkLength: 8, duplicates: "once", acrossBuckets: false },
  ],
  ["heads beyond 32 vec4s", { ...LSH, length: 16, rounds: 1, chunkLength: 8, headSize: 136 }],
  [
    "causal local attention, several blocks to a chunk",
    { ...LOCAL, batch: 2, heads: 1, length: 128, chunkLength: 64, headSize: 36 },
  ],
  [
    "a window longer than the ring, more chunks before than after, recorded dropout",
    {
      ...LSH,
      length: 16,
      headSize: 4,
      rounds: 1,
      chunkLength: 8,
      chunksBefore: 2,
      chunksAfter: 1,
      dropout: 2,
      dropoutRate: 0.25,
    },
  ],
  [
    "causal local attention to two of seven chunks before",
    { ...LOCAL, heads: 1, length: 56, chunkLength: 8, chunksBefore: 2 },
  ],
];

/** Cases enough for what reads queries, keys and values stored as halves: shared and separate keys. */
export const HALF_CASES = ATTENTION_CASES.filter(([why]) =>
  [
    "LSH both ways with padding, three rounds, heads of five vec4s",
    "local attention both ways, rows that may see no key, recorded dropout",
    "causal local attention, several blocks to a chunk",
  ].includes(why),
);

/** The same with queries, keys and values rounded to halves: packed for the kernels, as numbers for the oracle. */
export function inHalves(input: AttentionCaseInput): AttentionCaseInput {
  const { q, k, v } = input.values as Record<"q" | "v", Float32Array> & { readonly k?: Float32Array };
  const stored = { q: halvesOf(q), v: halvesOf(v), ...(k && { k: halvesOf(k) }) };
  const all = Object.entries(stored);
  return {
    ...input,
    values: { ...input.values, ...Object.fromEntries(all.map(([name, { words }]) => [name, words])) },
    arrays: { ...input.arrays, ...Object.fromEntries(all.map(([name, { numbers }]) => [name, numbers])) },
  };
}

/** Tokens of a sequence stably sorted by bucket id, for every (row, round). */
function sortedTokens(ids: Uint32Array, length: number): Uint32Array {
  const order = new Uint32Array(ids.length);
  for (let start = 0; start < ids.length; start += length) {
    const tokens = Array.from({ length }, (_, t) => t);
    order.set(
      tokens.sort((a, b) => (ids[start + a] as number) - (ids[start + b] as number) || a - b),
      start,
    );
  }
  return order;
}

/** Seeded inputs. Masked cases hide all of the second sequence, and of the first its first third if causal, else its last. */
export function attentionInput(dims: ChunkAttentionDims, seed = 1): AttentionCaseInput {
  const { batch, heads, length, headSize, rounds, dropout, dropoutRate, site } = dims;
  const count = batch * heads * length * headSize;
  const q = normals(count, seed);
  const k = normals(count, seed + 1);
  const v = normals(count, seed + 2);
  const random = new Random(seed + 3);
  const bucketIds = Uint32Array.from({ length: batch * heads * rounds * length }, () =>
    random.below(BUCKETS),
  );
  const order = sortedTokens(bucketIds, length);
  const keyMask = Uint32Array.from({ length: batch * length }, (_, i) =>
    Number(i < length && (dims.causal ? i >= length / 3 : i < (length * 2) / 3)),
  );
  const window = dims.chunkLength * (1 + dims.chunksBefore + dims.chunksAfter);
  const keep = Uint32Array.from({ length: batch * heads * rounds * length * window }, () =>
    Number(random.uniform() >= dropoutRate),
  );
  const key = threefry2x32(SEED, [DRAW, site]);
  const keeps: NonNullable<AttentionArrays["factor"]> = ({ row, round, slot, column, query, key: token }) =>
    (dropout === 2
      ? (keep[(row * rounds * length + slot) * window + column] as number)
      : Number(uniformOf(threefry2x32(threefry2x32(key, [row, round]), [query, token])[0]) >= dropoutRate)) /
    (1 - dropoutRate);
  return {
    dims,
    buckets: BUCKETS,
    values: {
      q,
      v,
      dOut: normals(count, seed + 4),
      ...(dims.shared ? {} : { k }),
      ...(dims.sorted ? { order } : {}),
      ...(needsPlaces(dims) ? { bucketIds } : {}),
      ...(dims.masked ? { keyMask } : {}),
      ...(dropout === 1 ? { dropoutSource: controlWords(SEED, DRAW) } : {}),
      ...(dropout === 2 ? { dropoutSource: keep } : {}),
    },
    arrays: { q, k, v, order, bucketIds, keyMask, ...(dropout ? { factor: keeps } : {}) },
  };
}

const magnitude = (x: readonly number[], y: readonly number[]) =>
  x.reduce((sum, value, i) => sum + Math.abs(value * (y[i] as number)), 0);

/** Bounds on the kernels' errors, element by element. */
export interface AttentionBounds {
  readonly out: Bound;
  /** Of m + log2(l), by row. */
  readonly logSums: Bound;
  readonly dq: Bound;
  readonly dk: Bound;
  readonly dv: Bound;
}

const WHY =
  "first order in u = 2^-24, per pair: score (2D+12)u·Σ|q·k|; WGSL exp2 2u(3+2|x|), once at the weight and once per " +
  "rescaling by a tile or round, with 8u of its products and quotient; sums n·u of their terms' magnitudes";

/** Largest relative error of a number rounded to the nearest half; those below 2^-14, far below the rest, lose 2^-25. */
export const HALF_ROUNDING = 2 ** -11;

/**
 * First-order bounds, in u = 2^-24. Of a weight p = exp(s − m)/l, relative: the score's error (2D + 12)·u·Σ|q·k| (D terms
 * of the dot product, D of the norm of shared keys, a dozen single roundings), exp2's 2u(3 + 2|x|) by the WGSL
 * specification at the weight itself and at each rescaling (whose exponents add up to x = (m − s)·log2(e), itself rounded:
 * 7u·(m − s) in all), there with the three products and the quotient (2.5 ULP) that merge a tile, 8u; and l's, the mean
 * of these. Then n·u of the summed magnitudes for each sum of n terms, and the same through dS = p(dP − D).
 */
export function attentionBounds(
  input: AttentionCaseInput,
  out: ArrayLike<number>,
  dOut: ArrayLike<number>,
  /** Most keys between two rescalings. */
  tile = 128,
  /**
   * Largest relative error r that q, k and v were stored with: a score is off by r for the query and r for the key, and
   * by r for the norm of shared keys; values, keys and queries that gradients add up are off by r, and J by 5r.
   */
  stored = 0,
): AttentionBounds {
  const { dims: d, arrays } = input;
  const size = d.headSize;
  const rows = d.batch * d.heads * d.length;
  const { pairs, m } = attentionPairs(d, arrays);
  const terms = d.rounds * d.chunkLength * (1 + d.chunksBefore + d.chunksAfter);
  const rescalings = terms / Math.min(size, 128, tile) + 3 * d.rounds;
  const [outs, dqs, keyErrors, keySums, dvs] = Array.from({ length: 5 }, () => new Float64Array(rows * size));
  const logSums = new Float64Array(rows);
  const add = (to: Float64Array | undefined, token: number, factor: number, vector: readonly number[]) => {
    for (let i = 0; i < size; i++) {
      (to as Float64Array)[token * size + i] =
        (to?.[token * size + i] as number) + factor * Math.abs(vector[i] as number);
    }
  };
  pairs.forEach((met, at) => {
    const row = Math.floor(at / d.length);
    const q = vectorOf(arrays.q, d, row, at % d.length);
    const dRow = vectorOf(dOut, d, row, at % d.length);
    const keys = met.map(({ key }) => keyVector(d, arrays, row, key));
    const values = met.map(({ key }) => vectorOf(arrays.v, d, row, key));
    const relative = met.map(({ logit, live }, j) => {
      const score = live ? magnitude(q, keys[j] as number[]) : 0;
      return (
        3 * stored * score +
        U32 * ((2 * size + 12) * score + 14 * (rescalings + 2) + 7 * ((m[at] as number) - logit))
      );
    });
    const mean = met.reduce(
      (sum, { weight }, j) => (weight === 0 ? sum : sum + weight * (relative[j] as number)),
      0,
    );
    logSums[at] = (mean + (terms + 2) * U32 + 2 * U32 * Math.abs(m[at] as number)) / Math.LN2;
    const ofWeight = (pair: Pair, j: number) =>
      pair.weight === 0 ? 0 : pair.weight * ((relative[j] as number) + mean + (terms + 8) * U32);
    met.forEach(
      (pair, j) =>
        void add(outs, at, (ofWeight(pair, j) + stored * pair.weight) * pair.factor, values[j] as number[]),
    );
    const outError = Array.from({ length: size }, (_, i) => outs?.[at * size + i] as number);
    const outRow = vectorOf(out, d, row, at % d.length);
    const delta = dot(dRow, outRow);
    const deltaError = magnitude(dRow, outError) + (size + 2) * U32 * magnitude(dRow, outRow);
    met.forEach((pair, j) => {
      const { key, weight, factor, live } = pair;
      const token = row * d.length + key;
      const error = ofWeight(pair, j);
      add(dvs, token, factor * (error + (terms + 4) * U32 * weight), dRow);
      if (!live) return;
      const dWeight = factor * dot(dRow, values[j] as number[]);
      const dWeightError = ((size + 4) * U32 + stored) * factor * magnitude(dRow, values[j] as number[]);
      const dScore = weight * Math.abs(dWeight - delta);
      const dScoreError =
        error * Math.abs(dWeight - delta) + weight * (dWeightError + deltaError) + 2 * U32 * dScore;
      add(dqs, at, dScoreError + ((terms + size + 12) * U32 + 2 * stored) * dScore, keys[j] as number[]);
      add(keyErrors, token, dScoreError + (terms * U32 + stored) * dScore, q);
      add(keySums, token, dScore, q);
    });
  });
  const dks = new Float64Array(rows * size);
  for (let at = 0; at < rows; at++) {
    const row = Math.floor(at / d.length);
    const token = at % d.length;
    const x = vectorOf(arrays.q, d, row, token);
    const scaled = d.shared ? keyVector(d, arrays, row, token) : x.map(() => 0);
    const scale = d.shared ? 1 / Math.sqrt(dot(x, x) + size * 1e-6) : 1 / Math.sqrt(size);
    const errors = vectorOf(keyErrors as Float64Array, d, row, token);
    const sums = vectorOf(keySums as Float64Array, d, row, token);
    for (let i = 0; i < size; i++) {
      const along = Math.abs(scaled[i] as number);
      dks[at * size + i] =
        scale * ((errors[i] as number) + along * magnitude(scaled, errors)) +
        ((3 * size + 24) * U32 + 5 * stored) *
          scale *
          ((sums[i] as number) + along * magnitude(scaled, sums));
    }
  }
  const bound = (of: Float64Array | undefined): Bound => ({
    why: WHY,
    at: (i) => (of?.[i] as number) + 2 ** -120,
  });
  const dqAll = d.shared ? dqs?.map((x, i) => x + (dks[i] as number)) : dqs;
  return { out: bound(outs), logSums: bound(logSums), dq: bound(dqAll), dk: bound(dks), dv: bound(dvs) };
}
