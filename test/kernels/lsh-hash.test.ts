import { describe, expect, test } from "vitest";
import { type LshHashDims, lshHash, rotationColumns } from "../../src/kernels/lsh-hash.js";
import { Random } from "../../src/random.js";
import { lshHash as oracle } from "../oracle/lsh-hash.js";
import { U32 } from "../support/close.js";
import { call, runKernels } from "../support/run-kernel.js";

const normals = (seed: number, count: number) => {
  const random = new Random(seed);
  return Float32Array.from({ length: count }, () => random.normal());
};

function dimsOf(
  batch: number,
  heads: number,
  length: number,
  headSize: number,
  rounds: number,
  factors: readonly number[],
  masked = false,
): LshHashDims {
  return {
    batch,
    heads,
    length,
    headSize,
    rounds,
    factors,
    rotationColumns: rotationColumns(factors),
    masked,
  };
}

const inputs = (d: LshHashDims, seed: number) => ({
  qk: normals(seed, d.batch * d.heads * d.length * d.headSize),
  rotations: normals(seed + 1, d.heads * d.headSize * d.rounds * d.rotationColumns),
});

/** Buckets of several inputs, one run for all. */
async function hashes(
  d: LshHashDims,
  rotations: Float32Array,
  qks: readonly Float32Array[],
  keyMask?: Uint32Array,
): Promise<Uint32Array[]> {
  const calls = qks.map((_, i) => call(lshHash, d, { qk: `qk${i}`, buckets: `buckets${i}` }));
  const given = Object.fromEntries(qks.map((qk, i) => [`qk${i}`, qk]));
  const results = await runKernels(calls, { rotations, ...given, ...(keyMask && { keyMask }) });
  return qks.map((_, i) => results[`buckets${i}`] as Uint32Array);
}

const ROWS: [why: string, dims: LshHashDims][] = [
  ["N = 2, one column", dimsOf(1, 1, 5, 4, 1, [2])],
  ["length and head size not multiples of the tile", dimsOf(2, 3, 70, 33, 2, [6])],
  ["a whole tile of tokens, columns beyond one block of 16", dimsOf(1, 2, 128, 64, 2, [72])],
  ["two factors of different sizes", dimsOf(2, 2, 100, 16, 3, [4, 36])],
  ["three factors", dimsOf(1, 1, 65, 24, 1, [2, 6, 4])],
  ["masked tokens", dimsOf(2, 2, 67, 8, 2, [4, 2], true)],
];

describe("lshHash(qk, rotations)", () => {
  test.each(ROWS)("equals the oracle: %s", async (_, dims) => {
    const { qk, rotations } = inputs(dims, 7);
    const keyMask = dims.masked
      ? Uint32Array.from({ length: dims.batch * dims.length }, (_, i) => Number(i % 5 !== 1))
      : undefined;
    const [buckets, again] = await hashes(dims, rotations, [qk, qk], keyMask);
    const { buckets: expected, margins, magnitudes } = oracle(dims, qk, rotations, keyMask);
    // A D-term f32 dot product is off by at most D·2^-24·Σ|terms| (first order); two of them are compared.
    const unsure = margins.map((margin, i) => margin <= 2 * dims.headSize * U32 * magnitudes[i]!);
    const wrong = expected.flatMap((bucket, i) => (buckets![i] !== bucket && !unsure[i] ? [i] : []));
    expect(wrong).toEqual([]);
    expect(unsure.filter(Boolean).length).toBeLessThan(0.01 * expected.length);
    expect(again).toEqual(buckets);
  });

  const dims = dimsOf(2, 3, 70, 33, 2, [6]); // a row of the table: its pipeline is compiled once

  test("sends -x to the antipodal bucket", async () => {
    const { qk, rotations } = inputs(dims, 3);
    const [buckets, opposite] = await hashes(dims, rotations, [qk, qk.map((x) => -x)]);
    expect([...opposite!]).toEqual([...buckets!].map((bucket) => (bucket + 3) % 6));
  });

  test("sends c·x to the bucket of x, exactly for powers of two", async () => {
    const { qk, rotations } = inputs(dims, 4);
    const scales = [2 ** -20, 0.5, 4, 2 ** 30];
    const [buckets, ...scaled] = await hashes(dims, rotations, [
      qk,
      ...scales.map((scale) => qk.map((x) => scale * x)),
    ]);
    for (const other of scaled) expect(other).toEqual(buckets);
  });

  test("gives a zero vector bucket 0: the first maximum wins ties", async () => {
    const { rotations } = inputs(dims, 5);
    const qk = new Float32Array(dims.batch * dims.heads * dims.length * dims.headSize);
    const [buckets] = await hashes(dims, rotations, [qk]);
    expect([...buckets!].filter((bucket) => bucket !== 0)).toEqual([]);
  });
});

test("rotationColumns() refuses odd factors, none and more than eight", () => {
  expect(rotationColumns([4, 6])).toBe(5);
  for (const factors of [[], [3], [4, 0], new Array(9).fill(2)]) {
    expect(() => rotationColumns(factors)).toThrow("even numbers");
  }
});
