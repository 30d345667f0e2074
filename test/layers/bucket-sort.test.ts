import { describe, expect, test } from "vitest";
import { Gpu } from "../../src/gpu/gpu.js";
import { type BucketSortSizes, recordBucketSort } from "../../src/layers/bucket-sort.js";
import { Random } from "../../src/random.js";
import { plan } from "../../src/scheduler/plan.js";
import { Arena, Recording } from "../../src/scheduler/recording.js";
import { PreparedPlan } from "../../src/scheduler/run.js";
import { bucketSort as oracle } from "../oracle/bucket-sort.js";
import { getDevice, withErrorScopes } from "../support/device.js";
import { profileOf } from "../support/run-kernel.js";

async function sort(sizes: BucketSortSizes, ids: Uint32Array): Promise<Uint32Array> {
  const device = await getDevice();
  return withErrorScopes(device, async () => {
    const gpu = new Gpu(device);
    const recording = new Recording();
    const tensor = new Arena("ids", "state").tensor("ids", [sizes.segments, sizes.length], "u32");
    const order = recordBucketSort(recording, sizes, tensor);
    const prepared = await PreparedPlan.create(gpu, plan([recording], profileOf(device)));
    try {
      prepared.write(tensor, ids);
      await prepared.run();
      return (await prepared.read(order)) as Uint32Array;
    } finally {
      gpu.dispose();
    }
  });
}

const idsOf = ({ segments, length, buckets }: BucketSortSizes, seed = 1) => {
  const random = new Random(seed);
  return Uint32Array.from({ length: segments * length }, () => random.below(buckets));
};

const ROWS: [why: string, sizes: BucketSortSizes][] = [
  ["one bucket: the identity", { segments: 2, length: 100, buckets: 1 }],
  ["a few buckets", { segments: 3, length: 130, buckets: 4 }],
  ["one pass of 64 lanes, several tiles", { segments: 2, length: 8200, buckets: 15 }],
  ["one pass of 32 lanes", { segments: 2, length: 5000, buckets: 256 }],
  ["two passes: 256 buckets and the padding bucket", { segments: 2, length: 5000, buckets: 257 }],
  ["two passes of large digits", { segments: 1, length: 6000, buckets: 65_536 }],
  ["three passes", { segments: 1, length: 3000, buckets: 2 ** 23 }],
];

describe("recordBucketSort(recording, sizes, ids)", () => {
  test.each(ROWS)("orders every segment as a stable sort does: %s", async (_, sizes) => {
    const ids = idsOf(sizes);
    const order = await sort(sizes, ids);
    const expected = oracle(sizes.segments, sizes.length, ids);
    expect(order.length).toBe(expected.length);
    expect(expected.filter((token, i) => order[i] !== token)).toEqual([]);
  });

  test("sorts 2^20 tokens: a permutation, keys non-decreasing, equal keys in order", async () => {
    const sizes = { segments: 1, length: 2 ** 20, buckets: 256 };
    const ids = idsOf(sizes, 2);
    const order = await sort(sizes, ids);
    const seen = new Uint8Array(sizes.length);
    let faults = 0;
    for (let i = 0; i < sizes.length; i++) {
      seen[order[i]!]!++;
      if (i === 0) continue;
      const [before, here] = [ids[order[i - 1]!]!, ids[order[i]!]!];
      if (before > here || (before === here && order[i - 1]! >= order[i]!)) faults++;
    }
    expect(faults).toBe(0);
    expect(seen.every((count) => count === 1)).toBe(true);
  });

  test("puts everything in place again when all keys are equal, and reverses descending keys", async () => {
    const sizes = { segments: 1, length: 4500, buckets: 5000 };
    const positions = Array.from({ length: 4500 }, (_, t) => t);
    expect([...(await sort(sizes, new Uint32Array(4500).fill(4499)))]).toEqual(positions);
    const descending = Uint32Array.from(positions, (t) => 4499 - t);
    expect([...(await sort(sizes, descending))]).toEqual(positions.reverse());
  });

  test("refuses ids of another size", async () => {
    const ids = new Arena("ids", "state").tensor("ids", [2, 10], "u32");
    const sizes = { segments: 2, length: 11, buckets: 4 };
    expect(() => recordBucketSort(new Recording(), sizes, ids)).toThrow("needed u32[2, 11]");
  });
});
