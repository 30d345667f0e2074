import { describe, expect, test } from "vitest";
import {
  type BucketSortDims,
  bucketCounts,
  bucketSortHistogram,
  bucketSortPasses,
  bucketSortScan,
  bucketSortScatter,
  bucketSortWhole,
  isOneTile,
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
];

const device = await getDevice();
const FORMS = bucketSortScatter.variants
  .filter(({ requires }) => !requires?.feature || device.features.has(requires.feature))
  .map(({ name }) => name);

describe.each(FORMS)("one pass: histogram, scan, scatter, or all in whole, %s form", (form) => {
  const kernels = [bucketSortHistogram, bucketSortScan, bucketSortScatter, bucketSortWhole];
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
    const orderIn = first ? undefined : shuffled;
    const run = async () => {
      const names = { positions: "counts", starts: "counts" };
      const calls = [
        call(bucketSortHistogram, dims),
        call(bucketSortScan, dims, names),
        call(bucketSortScatter, dims, names),
      ];
      const values = { ids, ...(orderIn && { orderIn }) };
      const { counts: tallies } = await runKernels(calls.slice(0, 1), values, { variants });
      const { counts: starts, order } = await runKernels(calls, values, { variants });
      const one = isOneTile(dims) && (await runKernels([call(bucketSortWhole, dims)], values, { variants }));
      return { tallies, starts, order, ...(one && { sorted: one.sorted }) } as Record<string, Uint32Array>;
    };
    const results = await run();
    const tile = radix <= 128 ? 4096 : 2048;
    expect(bucketCounts(dims)).toEqual([segments, radix, Math.ceil(length / tile)]);
    const tallies = oracle.bucketSortHistogram(dims, tile, ids, orderIn);
    expect([...results.tallies!]).toEqual(tallies);
    expect([...results.starts!]).toEqual(oracle.bucketSortScan(segments, tallies));
    expect([...results.order!]).toEqual(oracle.bucketSortScatter(dims, ids, orderIn));
    if (isOneTile(dims)) expect(results.sorted).toEqual(results.order);
    expect(await run()).toEqual(results);
  });
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
