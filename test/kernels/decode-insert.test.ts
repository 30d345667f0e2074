import { expect, test } from "vitest";
import { type DecodeInsertDims, decodeInsert } from "../../src/kernels/decode-insert.js";
import { Random } from "../../src/random.js";
import { decodeInsert as oracle } from "../oracle/decode-insert.js";
import { runKernel } from "../support/run-kernel.js";

const ROWS: [why: string, dims: DecodeInsertDims, position: number, buckets: number][] = [
  ["the first token", { rows: 3, capacity: 5 }, 0, 4],
  ["a few buckets", { rows: 6, capacity: 100 }, 77, 4],
  ["one bucket: every token goes last", { rows: 2, capacity: 70 }, 69, 1],
  ["the last position, one step of the move", { rows: 4, capacity: 257 }, 256, 8],
  ["several steps of the move, a part at the front", { rows: 5, capacity: 1500 }, 1333, 16],
  ["more buckets than tokens", { rows: 3, capacity: 600 }, 513, 70_000],
];

test.each(ROWS)(
  "decodeInsert(newIds) gives the order a stable sort gives: %s",
  async (_, dims, position, buckets) => {
    const { rows, capacity } = dims;
    const random = new Random(position);
    const control = new Uint32Array(16);
    control[8] = position;
    const UNUSED = 0xdead_beef;
    const newIds = Uint32Array.from({ length: rows }, (_, r) => (r === 0 ? 0 : random.below(buckets)));
    const ids = new Uint32Array(rows * capacity).fill(UNUSED);
    const order = new Uint32Array(rows * capacity).fill(UNUSED);
    const expected = { ids: ids.slice(), order: order.slice(), ranks: new Uint32Array(rows) };
    for (let r = 0; r < rows; r++) {
      const before = Array.from({ length: position }, () => random.below(buckets));
      ids.set(before, r * capacity);
      order.set(before.length ? oracle(before).order : [], r * capacity);
      const after = oracle([...before, newIds[r]!]);
      expected.ids.set([...before, newIds[r]!], r * capacity);
      expected.order.set(after.order, r * capacity);
      expected.ranks[r] = after.rank;
    }
    const results = await runKernel(decodeInsert, dims, { control, newIds, ids, order });
    expect(results.ranks).toEqual(expected.ranks);
    expect(results.order).toEqual(expected.order);
    expect(results.ids).toEqual(expected.ids);
    expect(await runKernel(decodeInsert, dims, { control, newIds, ids, order })).toEqual(results);
  },
);
