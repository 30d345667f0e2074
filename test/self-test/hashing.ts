// Checks of the families of hashing beside Gaussian rotations. Bounds as derived in test/kernels.
import { balanceAssign, balanceProject } from "../../src/kernels/balance.js";
import { centreKeysScan, centreKeysSubtract, centreKeysSum } from "../../src/kernels/centre-keys.js";
import { lshHash, lshHashHadamard } from "../../src/kernels/lsh-hash.js";
import { rotationSigns } from "../../src/kernels/rotations.js";
import { Random } from "../../src/random.js";
import { balance, cosines } from "../oracle/balance.js";
import { bucketSort } from "../oracle/bucket-sort.js";
import { centreKeys } from "../oracle/centre-keys.js";
import { type Hashed, lshHashHadamard as hadamardOracle, lshHash as hashOracle } from "../oracle/lsh-hash.js";
import { rotationSigns as signsOracle } from "../oracle/rotations.js";
import { U32, within } from "../support/close.js";
import { call } from "../support/run-kernel.js";
import { controlWords, normals } from "../support/values.js";
import { type Check, type Compared, EXACT } from "./check.js";

const wordsOf = (count: number, seed: number) => {
  const random = new Random(seed);
  return Uint32Array.from({ length: count }, () => random.below(2 ** 32));
};

/** Buckets, exact but where two projections are closer than f32 leaves open. */
function hashed(actual: ArrayLike<number> | undefined, expected: Hashed, error: number): Compared {
  const { buckets, margins, magnitudes } = expected;
  const sure = (i: number) => (margins[i] as number) > 2 * error * (magnitudes[i] as number);
  const why = "exact, but where two projections are closer than f32 leaves open";
  return { actual, expected: buckets, bound: { why, at: (i) => (sure(i) ? 0 : Infinity) } };
}

const signs: Check = {
  family: "rotations",
  what: "sign flips drawn from a seed",
  async compare(run) {
    const dims = { heads: 3, headSize: 33, rounds: 2, columns: 70, layer: 4 };
    const seed = [0xdeadbeef, 0xffffffff] as const;
    const { signs: actual } = await run([call(rotationSigns, dims)], {
      control: controlWords(seed, 123_456),
    });
    return { signs: { actual, expected: signsOracle(seed, 123_456, 4, 72), bound: EXACT } };
  },
};

const sizes = { batch: 1, heads: 2, length: 70, headSize: 20 };
const qk = normals(2 * 70 * 20, 7);

const probes: Check = {
  family: "lsh-hash",
  what: "two probes of two factors",
  async compare(run) {
    const dims = {
      ...sizes,
      rounds: 3,
      factors: [4, 36],
      rotationColumns: 20,
      masked: false,
      probes: 2,
    } as const;
    const rotations = normals(2 * 20 * 2 * 20, 8);
    const { buckets } = await run([call(lshHash, dims)], { qk, rotations });
    return { buckets: hashed(buckets, hashOracle(dims, qk, rotations), 20 * U32) };
  },
};

const fast: Check = {
  family: "lsh-hash",
  what: "fast rotations of 32 coordinates",
  async compare(run) {
    const dims = { ...sizes, rounds: 2, factors: [4, 90], rotationColumns: 47, masked: false };
    const flips = wordsOf(2 * 2 * 2 * 3, 8);
    const { buckets } = await run([call(lshHashHadamard, dims)], { qk, signs: flips });
    return { buckets: hashed(buckets, hadamardOracle(dims, qk, flips), 15 * U32) };
  },
};

const centring: Check = {
  family: "centre-keys",
  what: "two tiles, the mean of earlier keys",
  async compare(run) {
    const dims = { ...sizes, causal: true, masked: false };
    const scale = Float32Array.from(
      { length: 2 * 70 },
      (_, t) => 1 / Math.hypot(...qk.subarray(20 * t, 20 * t + 20)),
    );
    const names = { sums: "tiles", means: "tiles" };
    const steps = [centreKeysSum, centreKeysScan, centreKeysSubtract];
    const { centred } = await run(
      steps.map((step) => call(step, dims, names)),
      { qk, scale, totals: new Float32Array(2 * 21) },
    );
    const why = "n roundings of a sum of at most n unit terms, over n; 2.5 ulp of the quotient";
    const bound = within((2 * 70 + 8) * U32, why);
    return { centred: { actual: centred, expected: centreKeys(dims, qk, scale).centred, bound } };
  },
};

const level = { ...sizes, rounds: 2, levels: 2, level: 0, cells: 1, factor: 8, masked: false };

const projecting: Check = {
  family: "balance",
  what: "projections in 16 bits",
  async compare(run) {
    const directions = normals(2 * 20 * 2 * 2, 9);
    const { ids } = await run([call(balanceProject, level)], { qk, directions });
    const why = "half a step of 16 bits, and (2D + 16)·u of f32 sums";
    return {
      ids: {
        actual: ids && Array.from(ids, (id) => (id + 0.5) / 32_767.5 - 1),
        expected: cosines(level, qk, directions),
        bound: within(0.5 / 32_767.5 + (2 * 20 + 16) * U32, why),
      },
    };
  },
};

const assigning: Check = {
  family: "balance",
  what: "cells of equal size",
  async compare(run) {
    const ids = wordsOf(4 * 70, 3).map((word) => word >>> 16);
    const order = Uint32Array.from(bucketSort(4, 70, ids));
    const { cells } = await run([call(balanceAssign, level)], { sortedIds: ids, order });
    const expected = [0, 1, 2, 3].flatMap((s) => balance(ids.subarray(70 * s, 70 * s + 70), () => false, 8));
    return { cells: { actual: cells, expected, bound: EXACT } };
  },
};

export const HASHING_CHECKS: readonly Check[] = [signs, probes, fast, centring, projecting, assigning];
