import { describe, expect, test } from "vitest";
import {
  type LshHashDims,
  lshHash,
  lshHashHadamard,
  lshHashHadamardHalf,
  lshHashHalf,
  rotationColumns,
  rotationRounds,
} from "../../src/kernels/lsh-hash.js";
import { rotationSignsShape, rotationSize } from "../../src/kernels/rotations.js";
import { Random } from "../../src/random.js";
import { chooseVariant } from "../../src/scheduler/variants.js";
import { elements } from "../../src/shapes.js";
import { keyScale } from "../oracle/key-scale.js";
import {
  fastRotation,
  type Hashed,
  lshHashHadamard as hadamardOracle,
  lshHash as oracle,
} from "../oracle/lsh-hash.js";
import { expectClose, U32, ulps } from "../support/close.js";
import { getDevice } from "../support/device.js";
import { call, profileOf, runKernels } from "../support/run-kernel.js";
import { halvesOf } from "../support/values.js";

const device = await getDevice();

/** Forms that this device can run. */
const FORMS = lshHash.variants.filter(
  ({ requires }) => !requires?.feature || device.features.has(requires.feature),
);

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
  probes: 1 | 2 = 1,
): LshHashDims {
  return {
    probes,
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
  rotations: normals(seed + 1, d.heads * d.headSize * rotationRounds(d.rounds, d.probes) * d.rotationColumns),
});

/** The key's factor is the oracle's. */
function expectScale(
  actual: unknown,
  d: LshHashDims,
  k: ArrayLike<number>,
  keyMask: Uint32Array | undefined,
): void {
  const expected = keyScale({ ...d, shared: true }, { k, ...(keyMask && { keyMask }) });
  const bound = ulps(
    d.headSize / 2 + 12,
    expected,
    "half of D + 2 roundings under a root, then root and quotient",
  );
  expectClose(actual as Float32Array, expected, bound, "scale");
}

/** Buckets of several inputs, one run for all. */
async function hashes(
  form: string,
  d: LshHashDims,
  rotations: Float32Array,
  qks: readonly Float32Array[],
  keyMask?: Uint32Array,
): Promise<Uint32Array[]> {
  const variants = { "lsh-hash": form };
  expect(chooseVariant(call(lshHash, d).kernel, d, profileOf(device, { variants })).name).toBe(form);
  const calls = qks.map((_, i) =>
    call(lshHash, d, { qk: `qk${i}`, buckets: `buckets${i}`, scale: `scale${i}` }),
  );
  const given = Object.fromEntries(qks.map((qk, i) => [`qk${i}`, qk]));
  const results = await runKernels(calls, { rotations, ...given, ...(keyMask && { keyMask }) }, { variants });
  for (const [i, qk] of qks.entries()) {
    if (!qk.some(Number.isNaN)) expectScale(results[`scale${i}`], d, qk, keyMask);
  }
  return qks.map((_, i) => results[`buckets${i}`] as Uint32Array);
}

const ROWS: [why: string, dims: LshHashDims][] = [
  ["N = 2, one column", dimsOf(1, 1, 5, 4, 1, [2])],
  ["length and head size not multiples of the tile", dimsOf(2, 3, 70, 33, 2, [6])],
  ["a whole tile of tokens, columns beyond one block of 16", dimsOf(1, 2, 128, 64, 2, [72])],
  ["two factors of different sizes", dimsOf(2, 2, 100, 16, 3, [4, 36])],
  ["three factors", dimsOf(1, 1, 65, 24, 1, [2, 6, 4])],
  ["masked tokens", dimsOf(2, 2, 67, 8, 2, [4, 2], true)],
  ["two probes, an odd number of rounds", dimsOf(1, 2, 70, 16, 3, [36], false, 2)],
  ["two probes, two factors, masked tokens", dimsOf(2, 1, 70, 16, 2, [4, 36], true, 2)],
  ["two probes, N = 2: the second is the antipode", dimsOf(1, 1, 9, 4, 2, [2], false, 2)],
];

/** Every bucket is the oracle's, but where the f32 error decides; those are few. */
function expectBuckets(actual: Uint32Array, expected: Hashed, error: (magnitude: number) => number): void {
  const unsure = expected.margins.map((margin, i) => margin <= 2 * error(expected.magnitudes[i]!));
  const wrong = expected.buckets.flatMap((bucket, i) => (actual[i] !== bucket && !unsure[i] ? [i] : []));
  expect(wrong).toEqual([]);
  expect(unsure.filter(Boolean).length).toBeLessThan(0.01 * expected.buckets.length);
}

const maskOf = (d: LshHashDims) =>
  d.masked ? Uint32Array.from({ length: d.batch * d.length }, (_, i) => Number(i % 5 !== 1)) : undefined;

describe.each(FORMS.map((form) => [form.name, form] as const))(
  "%s form: lshHash(qk, rotations)",
  (form, { supports = () => true }) => {
    test.each(ROWS.filter(([, dims]) => supports(dims)))("equals the oracle: %s", async (_, dims) => {
      const { qk, rotations } = inputs(dims, 7);
      const keyMask = maskOf(dims);
      const [buckets, again] = await hashes(form, dims, rotations, [qk, qk], keyMask);
      // A D-term f32 dot product is off by at most D·2^-24·Σ|terms| (first order); two of them are compared.
      expectBuckets(buckets!, oracle(dims, qk, rotations, keyMask), (size) => dims.headSize * U32 * size);
      expect(again).toEqual(buckets);
    });

    test("equals the oracle of vectors that are stored as halves", async () => {
      const d = dimsOf(2, 2, 100, 16, 3, [4, 36]);
      const { qk, rotations } = inputs(d, 7);
      const { numbers, words } = halvesOf(qk);
      const variants = { "lsh-hash:half": form };
      const { kernel } = call(lshHashHalf, d);
      expect(chooseVariant(kernel, d, profileOf(device, { variants })).name).toBe(form);
      const given = { qk: words, rotations };
      const { buckets, scale } = await runKernels([call(lshHashHalf, d)], given, { variants });
      expectScale(scale, d, numbers, undefined);
      expectBuckets(buckets as Uint32Array, oracle(d, numbers, rotations), (size) => d.headSize * U32 * size);
    });

    const dims = dimsOf(2, 3, 70, 33, 2, [6]); // a row of the table: its pipeline is compiled once

    test("sends -x to the antipodal bucket", async () => {
      const { qk, rotations } = inputs(dims, 3);
      const [buckets, opposite] = await hashes(form, dims, rotations, [qk, qk.map((x) => -x)]);
      expect([...opposite!]).toEqual([...buckets!].map((bucket) => (bucket + 3) % 6));
    });

    test("sends c·x to the bucket of x, exactly for powers of two", async () => {
      const { qk, rotations } = inputs(dims, 4);
      const scales = [2 ** -20, 0.5, 4, 2 ** 30];
      const [buckets, ...scaled] = await hashes(form, dims, rotations, [
        qk,
        ...scales.map((scale) => qk.map((x) => scale * x)),
      ]);
      for (const other of scaled) expect(other).toEqual(buckets);
    });

    test("gives a zero vector bucket 0: the first maximum wins ties", async () => {
      const { rotations } = inputs(dims, 5);
      const qk = new Float32Array(dims.batch * dims.heads * dims.length * dims.headSize);
      const [buckets] = await hashes(form, dims, rotations, [qk]);
      expect([...buckets!].filter((bucket) => bucket !== 0)).toEqual([]);
    });

    test("a vector without a direction gets a bucket, too", async () => {
      const { qk, rotations } = inputs(dims, 5);
      const [buckets] = await hashes(form, dims, rotations, [qk.fill(NaN)]);
      expect([...buckets!].filter((bucket) => bucket >= 6)).toEqual([]);
    });

    test("of equal projections, of either sign and wherever they stand, the lowest bucket wins", async () => {
      const d = dimsOf(1, 2, 128, 64, 2, [72]); // a row of the table
      const random = new Random(6);
      // Whole numbers: sums are exact. Every column comes five times, twice with the other sign.
      const base = Float32Array.from({ length: 2 * 64 * 2 * 7 }, () => random.below(3) - 1);
      const rotations = Float32Array.from({ length: 2 * 64 * 2 * 36 }, (_, i) => {
        const column = i % 36;
        return (Math.floor(column / 7) % 2 === 1 ? -1 : 1) * base[Math.floor(i / 36) * 7 + (column % 7)]!;
      });
      const qk = Float32Array.from({ length: 2 * 128 * 64 }, () => random.below(3) - 1);
      const [buckets] = await hashes(form, d, rotations, [qk]);
      expect([...buckets!]).toEqual(oracle(d, qk, rotations).buckets);
    });
  },
);

/** Share of pairs of vectors with this cosine that get the same bucket, over all rounds. */
function collisions(buckets: Uint32Array, length: number): number {
  let same = 0;
  for (let i = 0; i < buckets.length; i += length) {
    for (let pair = 0; pair < length; pair += 2) same += Number(buckets[i + pair] === buckets[i + pair + 1]);
  }
  return (2 * same) / buckets.length;
}

/** Pairs of neighbours with the given cosine, in random directions. */
function pairs(cosine: number, count: number, size: number): Float32Array {
  const values = normals(21, 2 * count * size);
  for (let pair = 0; pair < count; pair++) {
    const [x, y] = [2 * pair * size, (2 * pair + 1) * size];
    const dot = (a: number, b: number) =>
      values.subarray(a, a + size).reduce((sum, value, i) => sum + value * values[b + i]!, 0);
    const along = dot(x, y) / dot(x, x);
    for (let i = 0; i < size; i++) values[y + i]! -= along * values[x + i]!;
    const ratio = Math.sqrt(dot(x, x) / dot(y, y));
    const sine = Math.sqrt(1 - cosine ** 2);
    for (let i = 0; i < size; i++) values[y + i] = cosine * values[x + i]! + sine * ratio * values[y + i]!;
  }
  return values;
}

describe("lshHash(qk, rotations) with two probes", () => {
  const dims = dimsOf(1, 2, 70, 16, 3, [36], false, 2); // a row of the table above

  test("keeps the buckets of one probe in the even rounds, and takes others in the odd ones", async () => {
    const { qk, rotations } = inputs(dims, 7);
    const [two] = await hashes("plain", dims, rotations, [qk]);
    const single = oracle({ ...dims, probes: 1, rounds: 2 }, qk, rotations);
    const roundOf = (i: number) => Math.floor(i / 70) % 3;
    const even = [...two!].filter((_, i) => roundOf(i) !== 1);
    expect(even).toEqual(single.buckets);
    const first = [...two!].filter((_, i) => roundOf(i) === 0);
    const second = [...two!].filter((_, i) => roundOf(i) === 1);
    expect(second.filter((bucket, i) => bucket === first[i])).toEqual([]);
  });
});

describe("lshHashHadamard(qk, signs)", () => {
  const signsOf = (d: LshHashDims, seed: number) => {
    const random = new Random(seed);
    const shape = rotationSignsShape({ ...d, columns: d.rotationColumns });
    return Uint32Array.from({ length: elements(shape) }, () => random.below(2 ** 32));
  };
  const rows: [why: string, dims: LshHashDims][] = [
    ["head size 4, one column", dimsOf(1, 1, 5, 4, 1, [2])],
    ["a head size that is padded, an odd power of two", dimsOf(2, 3, 70, 20, 2, [16])],
    ["more columns than coordinates, in factors that share rotations", dimsOf(1, 2, 100, 64, 2, [4, 90, 60])],
    ["the largest head size, masked tokens", dimsOf(2, 1, 19, 256, 2, [64], true)],
  ];
  test.each(rows)("equals the oracle: %s", async (_, d) => {
    const qk = normals(7, d.batch * d.heads * d.length * d.headSize);
    const signs = signsOf(d, 8);
    const keyMask = maskOf(d);
    const { buckets, scale, again } = await runKernels(
      [call(lshHashHadamard, d), call(lshHashHadamard, d, { buckets: "again" })],
      { qk, signs, ...(keyMask && { keyMask }) },
    );
    // Every one of 3·log2(P) steps rounds its values to 2^-24 of themselves and turns the error like the vector itself:
    // a coordinate of z is off by at most 3·log2(P)·2^-24·|z|.
    const steps = 3 * Math.log2(rotationSize(d.headSize));
    expectBuckets(
      buckets as Uint32Array,
      hadamardOracle(d, qk, signs, keyMask),
      (size) => steps * U32 * size,
    );
    expectScale(scale, d, qk, keyMask);
    expect(again).toEqual(buckets);

    const { numbers, words } = halvesOf(qk);
    const given = { qk: words, signs, ...(keyMask && { keyMask }) };
    const ofHalves = await runKernels([call(lshHashHadamardHalf, d)], given);
    expectScale(ofHalves.scale, d, numbers, keyMask);
    expectBuckets(
      ofHalves.buckets as Uint32Array,
      hadamardOracle(d, numbers, signs, keyMask),
      (size) => steps * U32 * size,
    );
  });

  test("the oracle's rotation keeps angles: it is P^1.5 times an orthogonal map", () => {
    const size = 8;
    const unit = (i: number) => Array.from({ length: size }, (_, j) => Number(i === j));
    const images = Array.from({ length: size }, (_, i) =>
      fastRotation(unit(i), (turn, component) => (0b1011_0010_0111 >> (turn + component)) & 1),
    );
    for (const [i, a] of images.entries()) {
      for (const [j, b] of images.entries()) {
        expect(a.reduce((sum, value, k) => sum + value * b[k]!, 0)).toBe(i === j ? size ** 3 : 0);
      }
    }
  });
});

describe("collisions", () => {
  test("become rarer with the angle, as often for fast rotations as for Gaussian ones", async () => {
    const d = dimsOf(1, 1, 400, 64, 8, [16]);
    const random = new Random(8);
    const signs = Uint32Array.from({ length: 8 * 3 * 2 }, () => random.below(2 ** 32));
    const { rotations } = inputs(d, 3);
    const cosines = [0.95, 0.7, 0.3, 0];
    const shares: number[][] = [];
    for (const [i, cosine] of cosines.entries()) {
      const names = { qk: `qk${i}` };
      const { gaussian, fast } = await runKernels(
        [
          call(lshHash, d, { ...names, buckets: "gaussian" }),
          call(lshHashHadamard, d, { ...names, buckets: "fast" }),
        ],
        { [`qk${i}`]: pairs(cosine, 200, 64), rotations, signs },
      );
      shares.push([collisions(gaussian as Uint32Array, 400), collisions(fast as Uint32Array, 400)]);
    }
    // 1,600 pairs of rounds and vectors: a share p has a standard error of √(p(1 - p) / 1,600) ≤ 0.0125, if vectors
    // differ; the rounds of one pair do too. Two of them differ by at most 5·√2·0.0125.
    for (const [gaussian, fast] of shares)
      expect(Math.abs(gaussian! - fast!)).toBeLessThan(5 * Math.SQRT2 * 0.0125);
    for (const family of [0, 1]) {
      const falling = shares.map((share) => share[family]!);
      expect(falling).toEqual([...falling].sort((a, b) => b - a));
      expect(falling[0]).toBeGreaterThan(0.5);
      // At right angles every bucket is equally likely: 1 in 16.
      expect(Math.abs(falling[3]! - 1 / 16)).toBeLessThan(5 * Math.sqrt(((1 / 16) * (15 / 16)) / 1600));
    }
  });
});

test("a GPU takes the wide form where every factor fills a tile of columns", () => {
  const chosen = (factors: readonly number[]) => {
    const d = dimsOf(1, 1, 128, 64, 1, factors);
    return chooseVariant(call(lshHash, d).kernel, d, profileOf(device)).name;
  };
  expect(chosen([128])).toBe("wide");
  expect(chosen([64, 64])).toBe("wide");
  expect(chosen([64])).toBe("plain");
  expect(chosen([4, 256])).toBe("plain");
});

test("rotationColumns() refuses odd factors, none and more than eight", () => {
  expect(rotationColumns([4, 6])).toBe(5);
  for (const factors of [[], [3], [4, 0], new Array(9).fill(2)]) {
    expect(() => rotationColumns(factors)).toThrow("even numbers");
  }
});
