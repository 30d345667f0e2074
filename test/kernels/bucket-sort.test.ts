import { describe, expect, test } from "vitest";
import {
  type BucketSortDims,
  bucketCounts,
  bucketSortHistogram,
  bucketSortPasses,
  bucketSortScan,
  bucketSortScatter,
  bucketSortSteps,
} from "../../src/kernels/bucket-sort.js";
import { Random } from "../../src/random.js";
import * as oracle from "../oracle/bucket-sort.js";
import { getDevice } from "../support/device.js";
import { call, runKernels } from "../support/run-kernel.js";

/** `same`: every key has this id. */
const ROWS: [why: string, dims: BucketSortDims, same?: number][] = [
  ["one key", { segments: 1, length: 1, radix: 128, shift: 0, first: true }],
  ["a small radix, a part of a lane", { segments: 3, length: 77, radix: 16, shift: 0, first: true }],
  ["a whole tile of 64 lanes", { segments: 2, length: 4096, radix: 128, shift: 0, first: true }],
  [
    "a tile of 32 lanes, the last of them idle",
    { segments: 3, length: 1900, radix: 256, shift: 8, first: false },
  ],
  ["several tiles of 64 lanes", { segments: 2, length: 9000, radix: 128, shift: 0, first: true }],
  ["several tiles of 32 lanes", { segments: 2, length: 4500, radix: 256, shift: 0, first: true }],
  ["a high digit through the order so far", { segments: 2, length: 5000, radix: 16, shift: 4, first: false }],
  ["all keys in one bucket", { segments: 2, length: 4096, radix: 128, shift: 0, first: true }, 77],
  ["all in one, several tiles", { segments: 2, length: 9000, radix: 128, shift: 0, first: true }, 127],
  ["as many as 16 bits tell apart", { segments: 1, length: 65_536, radix: 128, shift: 0, first: true }],
  ["as many, in one even bucket", { segments: 1, length: 65_536, radix: 128, shift: 0, first: true }, 126],
  ["as many, in one odd bucket", { segments: 1, length: 65_536, radix: 128, shift: 0, first: true }, 127],
  ["a key more", { segments: 1, length: 65_537, radix: 16, shift: 4, first: false }],
];

const device = await getDevice();
const FORMS = bucketSortScatter.variants
  .filter(({ requires }) => !requires?.feature || device.features.has(requires.feature))
  .map(({ name }) => name);

describe.each(FORMS)("one pass, in three, two and one steps, %s form", (form) => {
  const kernels = [bucketSortHistogram, bucketSortScan, bucketSortScatter];
  const variants = Object.fromEntries(kernels.map(({ name }) => [name, form]));
  test.each(ROWS)("equals the oracles exactly: %s", async (_, dims, same) => {
    const { segments, length, radix, shift, first } = dims;
    const random = new Random(11);
    const ids = Uint32Array.from(
      { length: segments * length },
      () => same ?? random.below(radix * 2 ** shift),
    );
    const shuffled = Uint32Array.from({ length: segments * length }, (_, i) => i % length);
    for (let s = 0; s < segments; s++) random.shuffle(shuffled.subarray(s * length, (s + 1) * length));
    const tile = radix <= 128 ? 4096 : 2048;
    const orderIn = first ? undefined : shuffled;
    const run = async () => {
      const names = { positions: "counts", starts: "counts" };
      const scatter = (whole: boolean, scanned: boolean) =>
        call(bucketSortScatter, { ...dims, whole, scanned }, names);
      const histogram = call(bucketSortHistogram, dims);
      const values = { ids, ...(orderIn && { orderIn }) };
      const sort = (calls: Parameters<typeof runKernels>[0]) => runKernels(calls, values, { variants });
      const { counts: tallies } = await sort([histogram]);
      const three = await sort([histogram, call(bucketSortScan, dims, names), scatter(false, true)]);
      const two = length <= 65_536 && (await sort([histogram, scatter(false, false)]));
      const one = length <= tile && (await sort([scatter(true, false)]));
      const orders = [two, one].flatMap((done) => (done ? [done.order as Uint32Array] : []));
      return { tallies, starts: three.counts, order: three.order as Uint32Array, orders };
    };
    const results = await run();
    expect(bucketCounts(dims)).toEqual([segments, radix, Math.ceil(length / tile)]);
    const tallies = oracle.bucketSortHistogram(dims, tile, ids, orderIn);
    expect([...results.tallies!]).toEqual(tallies);
    expect([...results.starts!]).toEqual(oracle.bucketSortScan(segments, tallies));
    expect([...results.order]).toEqual(oracle.bucketSortScatter(dims, ids, orderIn));
    for (const order of results.orders) expect(order).toEqual(results.order);
    expect(await run()).toEqual(results);
  });
});

test.each([
  [128, 4096, { whole: true, scanned: false }],
  [128, 4097, { whole: false, scanned: false }],
  [128, 65_536, { whole: false, scanned: false }],
  [128, 65_537, { whole: false, scanned: true }],
  [256, 8192, { whole: false, scanned: false }],
  [256, 8193, { whole: false, scanned: true }],
  [16, 65_537, { whole: false, scanned: true }],
])("steps of a pass for %i buckets and %i keys", (radix, length, steps) => {
  expect(bucketSortSteps({ segments: 1, length, radix, shift: 0, first: true })).toEqual(steps);
});

test("bucketSortPasses() takes one pass up to 256 buckets and two up to 65,536, with digits that cover all ids", () => {
  for (const [buckets, count] of [
    [1, 1],
    [2, 1],
    [256, 1],
    [257, 2],
    [65_536, 2],
    [65_537, 3],
    [2 ** 24, 3],
    [2 ** 32, 4],
  ] as const) {
    const passes = bucketSortPasses(buckets);
    expect(passes).toHaveLength(count);
    const { radix, shift } = passes.at(-1)!;
    expect(radix).toBeLessThanOrEqual(256);
    expect(radix * 2 ** shift).toBeGreaterThanOrEqual(buckets);
  }
  for (const buckets of [0, 1.5, Number.NaN]) expect(() => bucketSortPasses(buckets)).toThrow("bucket count");
});
