import { expect, test } from "vitest";
import { bucketLists, listBlocks, listShape } from "../../src/kernels/bucket-lists.js";
import { decodeInsert } from "../../src/kernels/decode-insert.js";
import { Random } from "../../src/random.js";
import { readLists, tokensByBucket, writeLists } from "../oracle/bucket-lists.js";
import { decodeWindow, decodeInsert as sorted } from "../oracle/decode-insert.js";
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
  const dims = { ...given, blocks: listBlocks(buckets, position + 1) };
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
  const dims = { ...chunks, rows, buckets, blocks: listBlocks(buckets, capacity) };
  const random = new Random(5);
  const drawn = Array.from({ length: rows }, () =>
    Array.from({ length: capacity }, () => random.below(buckets)),
  );
  const firsts = drawn.map((ids) => ids.slice(0, prompt));
  const values: Record<string, Uint32Array> = {
    ids: Uint32Array.from(firsts.flat()),
    order: Uint32Array.from(firsts.flatMap((ids) => sorted(ids).order)),
    lists: new Uint32Array(rows * listShape(dims)[1]).fill(0xdead_beef),
  };
  const calls = [call(bucketLists, { ...dims, length: prompt })];
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
