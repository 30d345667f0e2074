import { expect, test } from "vitest";
import { decodeInsert, listBlocks, listShape } from "../../src/kernels/decode-insert.js";
import { Random } from "../../src/random.js";
import { decodeWindow, readLists, tokensByBucket, writeLists } from "../oracle/decode-insert.js";
import { call, runKernel, runKernels } from "../support/run-kernel.js";

const chunks = { chunkLength: 8, chunksBefore: 1, chunksAfter: 0 };
const CASES: [
  why: string,
  dims: { rows: number; buckets: number; chunkLength: number; chunksBefore: number; chunksAfter: number },
  position: number,
][] = [
  ["the first token", { ...chunks, rows: 3, buckets: 4 }, 0],
  ["a window longer than the text", { ...chunks, rows: 3, buckets: 4, chunksBefore: 2 }, 9],
  ["a few buckets", { ...chunks, rows: 6, buckets: 4 }, 77],
  ["windows that begin before the first bucket", { ...chunks, rows: 6, buckets: 40 }, 77],
  ["windows that go on in the next buckets", { ...chunks, rows: 6, buckets: 40, chunksAfter: 2 }, 200],
  ["one bucket", { ...chunks, rows: 2, buckets: 1 }, 69],
  ["long lists on both sides", { ...chunks, rows: 5, buckets: 3, chunkLength: 64, chunksAfter: 1 }, 1333],
  ["more buckets than tokens", { ...chunks, rows: 3, buckets: 70_000 }, 513],
  ["as many buckets as invocations", { ...chunks, rows: 3, buckets: 64 }, 128],
];

const controlAt = (position: number) => {
  const control = new Uint32Array(16);
  control[8] = position;
  return control;
};

test.each(CASES)("decodeInsert(newIds) gives the window of a stable sort: %s", async (_, given, position) => {
  const { rows, buckets } = given;
  const dims = { ...given, count: 1, atPosition: true, blocks: listBlocks(buckets, position + 1) };
  const width = listShape(dims)[1];
  const random = new Random(position);
  const drawn = Array.from({ length: rows }, () =>
    Array.from({ length: position + 1 }, () => random.below(buckets)),
  );
  const lists = new Uint32Array(rows * width);
  drawn.forEach((ids, r) => void lists.set(writeLists(ids.slice(0, -1), dims, 0xdead_beef), r * width));
  const newIds = Uint32Array.from(drawn, (ids) => ids.at(-1)!);
  const values = { control: controlAt(position), newIds, lists };
  const results = await runKernel(decodeInsert, dims, values);
  expect([...results.window!]).toEqual(drawn.flatMap((ids) => decodeWindow(ids, dims)));
  drawn.forEach((ids, r) => {
    const row = results.lists!.subarray(r * width, (r + 1) * width) as Uint32Array;
    expect(readLists(row, dims)).toEqual(tokensByBucket(ids, buckets));
  });
  expect(await runKernel(decodeInsert, dims, values)).toEqual(results);
});

test("tokens inserted one by one behind a prompt's stand where sorting all of them puts them", async () => {
  const [rows, buckets, prompt, steps] = [3, 5, 40, 50];
  const capacity = prompt + steps;
  const dims = {
    ...chunks,
    rows,
    count: 1,
    atPosition: true,
    buckets,
    blocks: listBlocks(buckets, capacity),
  };
  const random = new Random(5);
  const drawn = Array.from({ length: rows }, () =>
    Array.from({ length: capacity }, () => random.below(buckets)),
  );
  const firsts = drawn.map((ids) => ids.slice(0, prompt));
  const values: Record<string, Uint32Array> = {
    ids: Uint32Array.from(firsts.flat()),
    lists: new Uint32Array(rows * listShape(dims)[1]),
    control: controlAt(0),
  };
  const calls = [call(decodeInsert, { ...dims, count: prompt, atPosition: false }, { newIds: "ids" })];
  for (let position = prompt; position < capacity; position++) {
    values[`control ${position}`] = controlAt(position);
    values[`new ${position}`] = Uint32Array.from(drawn, (ids) => ids[position]!);
    const as = {
      control: `control ${position}`,
      newIds: `new ${position}`,
      window: `window ${position}`,
    };
    calls.push(call(decodeInsert, dims, as));
  }
  const results = await runKernels(calls, values);
  for (let position = prompt; position < capacity; position++) {
    const expected = drawn.flatMap((ids) => decodeWindow(ids.slice(0, position + 1), dims));
    expect([...results[`window ${position}`]!], `position ${position}`).toEqual(expected);
  }
});

const PROMPTS: [
  why: string,
  dims: { rows: number; count: number; buckets: number },
  draw: (random: Random, buckets: number) => number,
][] = [
  ["one token", { rows: 2, count: 1, buckets: 4 }, (random, buckets) => random.below(buckets)],
  ["some tokens a bucket", { rows: 6, count: 100, buckets: 8 }, (random, buckets) => random.below(buckets)],
  ["all in one bucket", { rows: 2, count: 161, buckets: 3 }, () => 1],
  ["one bucket", { rows: 2, count: 32, buckets: 1 }, () => 0],
  ["most buckets empty", { rows: 3, count: 90, buckets: 1000 }, (random) => 7 * random.below(120)],
  ["more buckets than tokens", { rows: 2, count: 64, buckets: 300 }, (random, n) => random.below(n)],
  ["padding, of its own id", { rows: 3, count: 96, buckets: 5 }, (random, n) => random.below(n + 1)],
  ["many tokens", { rows: 2, count: 5000, buckets: 160 }, (random, buckets) => random.below(buckets)],
];

test.each(PROMPTS)(
  "decodeInsert(newIds) has every bucket's tokens of a prompt: %s",
  async (_, given, draw) => {
    const { rows, count, buckets } = given;
    // No room to spare: a block too many would end up in the next row.
    const dims = { ...chunks, ...given, atPosition: false, blocks: listBlocks(buckets, count) };
    const random = new Random(count);
    // Padding stands at the end of a row.
    const drawn = Array.from({ length: rows }, () => {
      const ids = Array.from({ length: count }, () => draw(random, buckets));
      return [...ids.filter((id) => id < buckets), ...ids.filter((id) => id >= buckets)];
    });
    const width = listShape(dims)[1];
    const newIds = Uint32Array.from(drawn.flat());
    const values = { control: controlAt(0), newIds, lists: new Uint32Array(rows * width) };
    const { lists } = await runKernel(decodeInsert, dims, values);
    drawn.forEach((ids, r) => {
      const row = lists!.subarray(r * width, (r + 1) * width) as Uint32Array;
      expect(readLists(row, dims)).toEqual(
        tokensByBucket(
          ids.filter((id) => id < buckets),
          buckets,
        ),
      );
    });
  },
);

test("the lists of the oracle read as they were written", () => {
  const random = new Random(1);
  const sizes = { rows: 1, buckets: 7, blocks: listBlocks(7, 200) };
  const ids = Array.from({ length: 200 }, () => random.below(7));
  expect(readLists(writeLists(ids, sizes), sizes)).toEqual(tokensByBucket(ids, 7));
});
