import { describe, expect, test } from "vitest";
import { type DecodeAttentionDims, decodeAttention } from "../../src/kernels/decode-attention.js";
import { Random } from "../../src/random.js";
import { decodeKeys, decodeAttention as oracle } from "../oracle/decode-attention.js";
import { decodeInsert, decodeWindow } from "../oracle/decode-insert.js";
import { expectClose, U32 } from "../support/close.js";
import { runKernel } from "../support/run-kernel.js";
import { normals } from "../support/values.js";

const full: DecodeAttentionDims = {
  rows: 3,
  capacity: 40,
  headSize: 12,
  rounds: 1,
  chunkLength: 0,
  chunksBefore: 0,
  chunksAfter: 0,
  fullBelow: 0,
  sorted: false,
  shared: false,
  duplicates: "count",
  acrossBuckets: true,
  shortened: false,
};
const local = { ...full, chunkLength: 8, chunksBefore: 1 };
const lsh = { ...local, sorted: true, shared: true, rounds: 2 };

const ROWS: [why: string, dims: DecodeAttentionDims, position: number][] = [
  ["full", full, 33],
  ["full with shared keys", { ...full, shared: true }, 20],
  ["shared, the first token sees only itself", { ...full, shared: true }, 0],
  ["several tiles of keys, head size 64", { ...full, rows: 1, capacity: 700, headSize: 64 }, 600],
  ["head size 256", { ...full, headSize: 256 }, 9],
  ["head size 4", { ...full, headSize: 4 }, 39],
  ["local, near the start", local, 6],
  ["local, at the start of a chunk", local, 16],
  ["local, in a chunk", local, 29],
  ["local, short enough for full attention", { ...local, fullBelow: 31 }, 29],
  ["local, no longer short enough", { ...local, fullBelow: 30 }, 29],
  ["local, two chunks back", { ...local, chunksBefore: 2 }, 12],
  ["local, two chunks back, shortened", { ...local, chunksBefore: 2, shortened: true }, 12],
  ["local, three chunks back, shortened to all", { ...local, chunksBefore: 3, shortened: true }, 9],
  ["LSH, two rounds", lsh, 38],
  ["LSH, one round, a window longer than the text", { ...lsh, rounds: 1 }, 9],
  ["LSH, windows of several chunks that repeat tokens", { ...lsh, chunksBefore: 2, chunksAfter: 1 }, 18],
  ["LSH, each key once", { ...lsh, rounds: 3, duplicates: "once" }, 21],
  ["LSH, own bucket only", { ...lsh, acrossBuckets: false }, 30],
  [
    "LSH, own bucket only, each key once",
    { ...lsh, rounds: 4, acrossBuckets: false, duplicates: "once" },
    17,
  ],
  ["LSH, several tiles", { ...lsh, rounds: 4, chunkLength: 64, capacity: 500 }, 450],
];

function arraysOf(d: DecodeAttentionDims, position: number) {
  const random = new Random(position);
  const size = d.rows * d.capacity * d.headSize;
  const ids = new Uint32Array(d.rows * d.rounds * d.capacity);
  const order = new Uint32Array(ids.length).fill(0xdead_beef);
  const windows: number[] = [];
  for (let r = 0; r < d.rows * d.rounds; r++) {
    const buckets = Array.from({ length: position + 1 }, () => random.below(4));
    ids.set(buckets, r * d.capacity);
    order.set(decodeInsert(buckets).order, r * d.capacity);
    windows.push(...decodeWindow(buckets, d));
  }
  const q = normals(d.rows * d.headSize, 1);
  return { q, k: normals(size, 2), v: normals(size, 3), order, ids, window: Uint32Array.from(windows) };
}

describe("decodeAttention(q, k, v)", () => {
  test.each(ROWS)("equals the oracle: %s", async (_, dims, position) => {
    const arrays = arraysOf(dims, position);
    const control = new Uint32Array(16);
    control[8] = position;
    const { q, k, v, window } = arrays;
    const values = { control, q, k, v, ...(dims.sorted ? { window } : {}) };
    const results = await runKernel(decodeAttention, dims, values);
    const { out, sizes } = oracle(dims, arrays, position);
    const keys = Math.max(
      ...Array.from({ length: dims.rows }, (_, r) => decodeKeys(dims, arrays, r, position).length),
    );
    const peak = arrays.v.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
    // A logit is off by the headSize + 6 roundings of its dot product and norm, each of Σ|terms| ≤ |q|·|k|/√D, and by
    // 8 units of log near 1; exp adds 3 + 2|s| units. Such an error is relative in a weight and in their sum. Sums of
    // `keys` weights and weighted values add one rounding a term, rescaling one a tile.
    const at = (i: number) => {
      const size = sizes[Math.floor(i / dims.headSize)]!;
      return U32 * peak * 2 * ((dims.headSize + 6) * size + 8 + 3 + 4 * size + 2 * keys);
    };
    expectClose(results.out!, out, { why: "dot products, exp, sums over the keys", at }, "out");
    expect(await runKernel(decodeAttention, dims, values)).toEqual(results);
  });

  test("two chunks back, the public model's shortened window differs from the whole one", () => {
    const dims = { ...local, chunksBefore: 2 };
    const arrays = arraysOf(dims, 12);
    expect(decodeKeys(dims, arrays, 0, 12)).toHaveLength(13);
    expect(decodeKeys({ ...dims, shortened: true }, arrays, 0, 12)).toHaveLength(9);
  });
});
