// Plain f64 references, for some rows of each result: all rows of the longest sequences would take minutes.
import { normals } from "../../support/values.js";
import type { AttentionWork, Inputs, MatmulWork } from "./work.js";

const CHECKED = 48;

/** Rows spread over the result, the first and the last among them. */
function someRows(rows: number): number[] {
  const count = Math.min(rows, CHECKED);
  return Array.from({ length: count }, (_, i) => Math.round((i * (rows - 1)) / Math.max(1, count - 1)));
}

export function matmulInputs({ m, k, n }: MatmulWork): {
  readonly a: Float32Array<ArrayBuffer>;
  readonly b: Float32Array<ArrayBuffer>;
} {
  return { a: copied(normals(m * k, 1)), b: copied(normals(k * n, 2)) };
}

export function attentionInputs({ heads, headSize, length }: AttentionWork): Inputs {
  const count = heads * length * headSize;
  return { q: copied(normals(count, 1)), k: copied(normals(count, 2)), v: copied(normals(count, 3)) };
}

const copied = (values: Float32Array): Float32Array<ArrayBuffer> => new Float32Array(values);

/** Largest difference over the checked rows as a share of the largest reference value. */
function worst(
  rows: readonly number[],
  width: number,
  result: ArrayLike<number>,
  reference: (row: number) => ArrayLike<number>,
): number {
  let difference = 0;
  let largest = 0;
  for (const row of rows) {
    const expected = reference(row);
    for (let i = 0; i < width; i++) {
      const off = Math.abs((result[row * width + i] as number) - (expected[i] as number));
      difference = Number.isNaN(off) ? Number.POSITIVE_INFINITY : Math.max(difference, off);
      largest = Math.max(largest, Math.abs(expected[i] as number));
    }
  }
  return difference / largest;
}

export function matmulError({ m, k, n }: MatmulWork, c: ArrayLike<number>): number {
  const { a, b } = matmulInputs({ kind: "matmul", m, k, n });
  return worst(someRows(m), n, c, (row) => {
    const sums = new Float64Array(n);
    for (let i = 0; i < k; i++) {
      const x = a[row * k + i] as number;
      for (let j = 0; j < n; j++) sums[j]! += x * (b[i * n + j] as number);
    }
    return sums;
  });
}

/** Softmax of `logits` over `keys`, applied to the rows of v. */
function weighted(
  logits: readonly number[],
  keys: readonly number[],
  v: ArrayLike<number>,
  at: (key: number) => number,
  headSize: number,
): Float64Array {
  const out = new Float64Array(headSize);
  const most = logits.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  let sum = 0;
  for (const [i, key] of keys.entries()) {
    const weight = Math.exp((logits[i] as number) - most);
    sum += weight;
    for (let j = 0; j < headSize; j++) out[j]! += weight * (v[at(key) + j] as number);
  }
  return out.map((x) => x / sum);
}

function dot(x: ArrayLike<number>, at: number, y: ArrayLike<number>, from: number, count: number): number {
  let sum = 0;
  for (let i = 0; i < count; i++) sum += (x[at + i] as number) * (y[from + i] as number);
  return sum;
}

/** Of causal attention to all keys; `result` is [heads, length, headSize]. */
export function fullAttentionError(work: AttentionWork, result: ArrayLike<number>): number {
  const { heads, length, headSize } = work;
  const { q, k, v } = attentionInputs(work);
  return worst(someRows(heads * length), headSize, result, (row) => {
    const first = row - (row % length);
    const keys = Array.from({ length: (row % length) + 1 }, (_, i) => first + i);
    const logits = keys.map(
      (key) => dot(q, row * headSize, k, key * headSize, headSize) / Math.sqrt(headSize),
    );
    return weighted(logits, keys, v, (key) => key * headSize, headSize);
  });
}

export interface LshSizes {
  readonly rounds: number;
  readonly buckets: number;
  readonly chunkLength: number;
}

/**
 * Of causal LSH attention with one chunk before: a query meets the keys of its chunk and the one before in every round,
 * cyclically over the sorted rounds; its own key only where it meets no other.
 * @param buckets u32 [heads, rounds, length] as hashed on the GPU, checked first
 * @param rotations [heads, headSize, rounds, buckets / 2]
 */
export function lshAttentionError(
  work: AttentionWork,
  sizes: LshSizes,
  { buckets, rotations, result }: Record<"buckets" | "rotations" | "result", ArrayLike<number>>,
): number {
  const { heads, length, headSize } = work;
  const { rounds, chunkLength } = sizes;
  const { q, v } = attentionInputs(work);
  const rows = someRows(heads * length);
  for (const row of rows) checkBuckets(work, sizes, q, buckets, rotations, row);
  const slots = rounds * length;
  // Tokens of a head by round and bucket, in their own order where buckets are equal.
  const orders = Array.from({ length: heads }, (_, head) =>
    Array.from({ length: rounds }, (_, round) => {
      const ids = Array.from({ length }, (_, t) => buckets[(head * rounds + round) * length + t] as number);
      return [...ids.keys()].sort((a, b) => (ids[a] as number) - (ids[b] as number) || a - b);
    }).flat(),
  );
  return worst(rows, headSize, result, (row) => {
    const head = Math.floor(row / length);
    const token = row % length;
    const order = orders[head] as number[];
    const keys: number[] = [];
    const logits: number[] = [];
    for (let slot = order.indexOf(token); slot >= 0; slot = order.indexOf(token, slot + 1)) {
      const start = slot - (slot % chunkLength) - chunkLength;
      for (let i = start; i < start + 2 * chunkLength; i++) {
        const key = order[(i + slots) % slots] as number;
        const at = (head * length + key) * headSize;
        const norm = Math.sqrt(dot(q, at, q, at, headSize) / headSize + 1e-6);
        const score = dot(q, row * headSize, q, at, headSize) / norm / Math.sqrt(headSize);
        keys.push(head * length + key);
        logits.push(key === token ? -1e5 : key > token ? -1e9 : score);
      }
    }
    return weighted(logits, keys, v, (key) => key * headSize, headSize);
  });
}

/** Rounding of a sum of products, as a share of the sum of their sizes: far above f32's, far below a wrong bucket's. */
const HASH_ROUNDING = 1e-5;

/** @throws {Error} where a bucket's projection is not the largest of its round */
function checkBuckets(
  { heads, length, headSize }: AttentionWork,
  { rounds, buckets: count }: LshSizes,
  q: ArrayLike<number>,
  buckets: ArrayLike<number>,
  rotations: ArrayLike<number>,
  row: number,
): void {
  const head = Math.floor(row / length) % heads;
  const columns = count / 2;
  for (let round = 0; round < rounds; round++) {
    const scores = new Float64Array(count);
    let size = 0;
    for (let c = 0; c < columns; c++) {
      let sizes = 0;
      for (let j = 0; j < headSize; j++) {
        const rotation = rotations[((head * headSize + j) * rounds + round) * columns + c] as number;
        const term = (q[row * headSize + j] as number) * rotation;
        scores[c]! += term;
        sizes += Math.abs(term);
      }
      scores[columns + c] = -(scores[c] as number);
      size = Math.max(size, sizes);
    }
    const bucket = buckets[(head * rounds + round) * length + (row % length)] as number;
    const best = Math.max(...scores);
    if (!((scores[bucket] as number) >= best - HASH_ROUNDING * size)) {
      throw new Error(
        `token ${row % length} of head ${head} has bucket ${bucket} in round ${round}: projection ${scores[bucket]}, the best is ${best}`,
      );
    }
  }
}
