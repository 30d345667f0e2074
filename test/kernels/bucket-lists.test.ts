import { expect, test } from "vitest";
import { bucketLists, listBlocks, listShape } from "../../src/kernels/bucket-lists.js";
import { Random } from "../../src/random.js";
import { readLists, tokensByBucket, writeLists } from "../oracle/bucket-lists.js";
import { decodeInsert } from "../oracle/decode-insert.js";
import { runKernel } from "../support/run-kernel.js";

const CASES: [
  why: string,
  dims: { rows: number; length: number; buckets: number },
  draw: (random: Random, buckets: number) => number,
][] = [
  ["one token", { rows: 2, length: 1, buckets: 4 }, (random, buckets) => random.below(buckets)],
  ["some tokens a bucket", { rows: 6, length: 100, buckets: 8 }, (random, buckets) => random.below(buckets)],
  ["all in one bucket", { rows: 2, length: 161, buckets: 3 }, () => 1],
  ["one bucket", { rows: 2, length: 32, buckets: 1 }, () => 0],
  ["most buckets empty", { rows: 3, length: 90, buckets: 1000 }, (random) => 7 * random.below(120)],
  ["more buckets than tokens", { rows: 2, length: 64, buckets: 300 }, (random, n) => random.below(n)],
  [
    "padding, in a bucket of its own",
    { rows: 3, length: 96, buckets: 5 },
    (random, buckets) => random.below(buckets + 1),
  ],
  ["many tokens", { rows: 2, length: 5000, buckets: 160 }, (random, buckets) => random.below(buckets)],
];

test.each(CASES)("bucketLists(ids, order) has every bucket's tokens: %s", async (_, given, draw) => {
  const { rows, length, buckets } = given;
  // No room to spare: a block too many would end up in the next row.
  const dims = { ...given, blocks: listBlocks(buckets, length) };
  const random = new Random(length);
  // Padding stands at the end of a row.
  const drawn = Array.from({ length: rows }, () => {
    const ids = Array.from({ length }, () => draw(random, buckets));
    return [...ids.filter((id) => id < buckets), ...ids.filter((id) => id >= buckets)];
  });
  const values = {
    ids: Uint32Array.from(drawn.flat()),
    order: Uint32Array.from(drawn.flatMap((ids) => decodeInsert(ids).order)),
    lists: new Uint32Array(rows * listShape(dims)[1]).fill(0xdead_beef),
  };
  const { lists } = await runKernel(bucketLists, dims, values);
  const width = listShape(dims)[1];
  drawn.forEach((ids, r) => {
    const real = ids.filter((id) => id < buckets);
    const row = lists!.subarray(r * width, (r + 1) * width) as Uint32Array;
    expect(readLists(row, dims)).toEqual(tokensByBucket(real, buckets));
  });
  expect((await runKernel(bucketLists, dims, values)).lists).toEqual(lists);
});

test("the lists of the oracle read as they were written", () => {
  const random = new Random(1);
  const sizes = { rows: 1, buckets: 7, blocks: listBlocks(7, 200) };
  const ids = Array.from({ length: 200 }, () => random.below(7));
  expect(readLists(writeLists(ids, sizes), sizes)).toEqual(tokensByBucket(ids, 7));
});
