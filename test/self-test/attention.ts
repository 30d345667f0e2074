// Checks of LSH attention: rotations, hash, sort, attention and its gradients. Bounds as derived in test/kernels.
import { attentionDelta } from "../../src/kernels/attention-delta.js";
import { bucketSortHistogram, bucketSortScan, bucketSortScatter } from "../../src/kernels/bucket-sort.js";
import { chunkAttention } from "../../src/kernels/chunk-attention.js";
import {
  chunkAttentionDk,
  chunkAttentionDq,
  chunkAttentionDv,
  chunkAttentionGradients,
} from "../../src/kernels/chunk-attention-backward.js";
import { chunkPlaces } from "../../src/kernels/chunk-places.js";
import { keyScale } from "../../src/kernels/key-scale.js";
import { lshHash } from "../../src/kernels/lsh-hash.js";
import { rotations } from "../../src/kernels/rotations.js";
import { Random } from "../../src/random.js";
import { attentionDelta as deltaOracle } from "../oracle/attention-delta.js";
import { bucketSort } from "../oracle/bucket-sort.js";
import { chunkAttention as attentionOracle } from "../oracle/chunk-attention.js";
import { chunkAttentionBackward as backwardOracle } from "../oracle/chunk-attention-backward.js";
import { chunkPlaces as placesOracle } from "../oracle/chunk-places.js";
import { keyScale as scaleOracle } from "../oracle/key-scale.js";
import { lshHash as hashOracle } from "../oracle/lsh-hash.js";
import { rotations as rotationsOracle } from "../oracle/rotations.js";
import { ATTENTION_CASES, attentionBounds, attentionInput } from "../support/attention-cases.js";
import { U32, ulps } from "../support/close.js";
import { call } from "../support/run-kernel.js";
import { controlWords, normals } from "../support/values.js";
import { type Check, type Compared, EXACT, magnitudes } from "./check.js";

const drawing: Check = {
  family: "rotations",
  what: "drawn from a seed",
  async compare(run) {
    const dims = { heads: 3, headSize: 33, rounds: 2, columns: 5, layer: 4 };
    const seed = [0xdeadbeef, 0xffffffff] as const;
    const { rotations: actual } = await run([call(rotations, dims)], {
      control: controlWords(seed, 123_456),
    });
    const expected = rotationsOracle(seed, 123_456, dims.layer, 3 * 33 * 2 * 5);
    return {
      rotations: {
        actual,
        expected: expected.map(({ value }) => value),
        bound: {
          why: "WGSL: log 2^-21 near 1, else 3 ulp; sqrt turns e into min(√e, e/√L); cos 2^-11; four roundings",
          at: (i) => {
            const radius = expected[i]?.radius as number;
            const error = 2 * (2 ** -21 + 6 * U32 * radius ** 2);
            return Math.min(Math.sqrt(error), error / radius) + radius * (2 ** -11 + 4 * U32);
          },
        },
      },
    };
  },
};

function scaled(
  dims: Parameters<typeof scaleOracle>[0],
  given: Parameters<typeof scaleOracle>[1],
  actual: ArrayLike<number> | undefined,
): Compared {
  const expected = scaleOracle(dims, given);
  const why = "half of D + 2 roundings under a root, root and quotient";
  return { actual, expected, bound: ulps(dims.headSize / 2 + 12, expected, why) };
}

const hashing: Check = {
  family: "lsh-hash",
  what: "two factors, three rounds",
  async compare(run) {
    const sizes = { batch: 2, heads: 2, length: 100, headSize: 16, rounds: 3 };
    const dims = { ...sizes, factors: [4, 36], rotationColumns: 20, masked: false };
    const qk = normals(2 * 2 * 100 * 16, 7);
    const given = normals(2 * 16 * 3 * 20, 8);
    const { buckets: actual, scale } = await run([call(lshHash, dims)], { qk, rotations: given });
    const { buckets, margins, magnitudes: sums } = hashOracle(dims, qk, given);
    const sure = (i: number) => (margins[i] as number) > 2 * dims.headSize * U32 * (sums[i] as number);
    const why = "exact, but where two projections are closer than the 2D·u·Σ|terms| that f32 leaves open";
    return {
      buckets: { actual, expected: buckets, bound: { why, at: (i) => (sure(i) ? 0 : Infinity) } },
      scale: scaled({ ...dims, shared: true }, { k: qk }, scale),
    };
  },
};

const sorting: Check = {
  family: "bucket-sort",
  what: "5,000 tokens, two tiles, with a scan and without",
  async compare(run) {
    const dims = { segments: 2, length: 5000, radix: 16, shift: 0, first: true };
    const random = new Random(11);
    const ids = Uint32Array.from({ length: 10_000 }, () => random.below(16));
    const expected = bucketSort(2, 5000, ids);
    const order = async (scanned: boolean) => {
      const names = { positions: "counts", starts: "counts" };
      const scan = scanned ? [call(bucketSortScan, dims, names)] : [];
      const scatter = call(bucketSortScatter, { ...dims, whole: false, scanned }, names);
      const sorted = await run([call(bucketSortHistogram, dims), ...scan, scatter], { ids });
      return { actual: sorted.order, expected, bound: EXACT };
    };
    return { order: await order(true), "order without a scan": await order(false) };
  },
};

const caseOf = (index: number) => (ATTENTION_CASES[index] as (typeof ATTENTION_CASES)[number])[1];
/** Two rounds of causal LSH attention. */
const LSH = 0;
/** Causal LSH attention with dropout, in chunks of eight. */
const LSH_EIGHT = 3;
/** Causal local attention with padding. */
const LOCAL = 4;
/** Every copy of a key counted once, within its bucket. */
const ONCE = 9;

const placing: Check = {
  family: "chunk-places",
  what: "chunk and bucket of every token",
  async compare(run) {
    const { dims, values, buckets } = attentionInput(caseOf(ONCE));
    const { order, bucketIds } = values as Record<"order" | "bucketIds", Uint32Array>;
    const { places } = await run([call(chunkPlaces, { ...dims, buckets })], { order, bucketIds });
    return {
      places: {
        actual: places,
        expected: placesOracle({ ...dims, buckets }, order, bucketIds),
        bound: EXACT,
      },
    };
  },
};

const scaling: Check = {
  family: "key-scale",
  what: "shared keys, some hidden",
  async compare(run) {
    const dims = { batch: 2, heads: 3, length: 11, headSize: 12, shared: true, masked: true };
    const k = normals(2 * 3 * 11 * 12, 1);
    const keyMask = Uint32Array.from({ length: 22 }, (_, i) => Number(i % 3 !== 1));
    const { scale } = await run([call(keyScale, dims)], { k, keyMask });
    return { scale: scaled(dims, { k, keyMask }, scale) };
  },
};

function rounds(index: number) {
  const input = attentionInput(caseOf(index));
  const { dims } = input;
  const names = dims.shared ? { k: "q" } : {};
  const attending = Array.from({ length: dims.rounds }, (_, round) =>
    call(chunkAttention, { ...dims, round }),
  );
  return { input, calls: [call(keyScale, dims, names), ...attending] };
}

const attending = (index: number, what: string): Check => ({
  family: "chunk-attention",
  what,
  async compare(run) {
    const { input, calls } = rounds(index);
    const { out } = await run(calls, input.values);
    const expected = attentionOracle(input.dims, input.arrays);
    const { out: bound } = attentionBounds(input, expected, input.values.dOut as Float32Array);
    return { out: { actual: out, expected, bound } };
  },
});

const delta: Check = {
  family: "attention-delta",
  what: "46 tokens of three heads",
  async compare(run) {
    const dims = { batch: 2, heads: 3, length: 23, headSize: 20 };
    const tokens = 2 * 3 * 23;
    const [out, dOut] = [normals(tokens * 20, 1), normals(tokens * 20, 2)];
    const stats = normals(tokens * 2, 3).map((x) => Math.abs(x) + 0.5);
    const scale = magnitudes(normals(tokens, 4));
    const { rows } = await run([call(attentionDelta, dims)], { out, dOut, stats, scale });
    const sizes = deltaOracle(dims, { out: magnitudes(out), dOut: magnitudes(dOut), stats, scale });
    return {
      rows: {
        actual: rows,
        expected: deltaOracle(dims, { out, dOut, stats, scale }),
        bound: {
          why: "(D + 2)·u·Σ|terms|; 1/l within 2.5 ulp; the rest is copied",
          at: (i) => ([0, 5, dims.headSize + 2, 0][i % 4] as number) * U32 * (sizes[i] as number),
        },
      },
    };
  },
};

const gradients: Check = {
  family: "chunk-attention-backward",
  what: "two rounds of LSH",
  async compare(run) {
    const { input, calls } = rounds(LSH);
    const { dims, arrays, values } = input;
    const stages = [
      [chunkAttentionDq, "dq", false],
      [chunkAttentionDk, "dq", true],
      [chunkAttentionDv, "dv", false],
    ] as const;
    const results = await run(
      [
        ...calls,
        call(attentionDelta, dims),
        ...stages.flatMap(([kernel, gradient, begun]) =>
          [0, 1].map((round) =>
            call(kernel, { ...dims, round, accumulate: begun || round > 0 }, { gradient }),
          ),
        ),
      ],
      values,
    );
    const dOut = values.dOut as Float32Array;
    const expected = backwardOracle(dims, arrays, dOut);
    const bounds = attentionBounds(input, attentionOracle(dims, arrays), dOut);
    return {
      dq: { actual: results.dq, expected: expected.dq, bound: bounds.dq },
      dv: { actual: results.dv, expected: expected.dv, bound: bounds.dv },
    };
  },
};

const gradientsAtOnce: Check = {
  family: "chunk-attention-backward",
  what: "two rounds of LSH, all gradients in one pass",
  async compare(run) {
    const { input, calls } = rounds(LSH_EIGHT);
    const { dims, arrays, values } = input;
    const joint = [0, 1].map((round) =>
      call(
        chunkAttentionGradients,
        { ...dims, round, accumulate: round > 0, chunksOwned: 2 },
        { keys: "order", dkv: "dv" },
      ),
    );
    const results = await run([...calls, call(attentionDelta, dims), ...joint], values);
    const dOut = values.dOut as Float32Array;
    const expected = backwardOracle(dims, arrays, dOut);
    const bounds = attentionBounds(input, attentionOracle(dims, arrays), dOut);
    return {
      dq: { actual: results.dq, expected: expected.dq, bound: bounds.dq },
      dv: { actual: results.dv, expected: expected.dv, bound: bounds.dv },
    };
  },
};

export const ATTENTION_CHECKS: readonly Check[] = [
  drawing,
  hashing,
  sorting,
  placing,
  scaling,
  attending(LSH, "two rounds of LSH"),
  attending(LOCAL, "local, with padding"),
  delta,
  gradients,
  gradientsAtOnce,
];
