import { expect, test } from "vitest";
import { putRowStarts, takeRowStarts } from "../../src/kernels/row-starts.js";
import * as oracle from "../oracle/row-starts.js";
import { call, runKernel, runKernels } from "../support/run-kernel.js";
import { normals } from "../support/values.js";

const CASES = [
  ["one row", 1, 40, 7, 40],
  ["whole rows", 5, 9, 9, 45],
  ["one element each", 300, 3, 1, 900],
  ["a slab that ends inside a row's start", 7, 100, 60, 330],
] as const;

test.each(CASES)("takeRowStarts() reads %s, slab by slab", async (_why, rows, columns, count, cut) => {
  const x = Int32Array.from({ length: rows * columns }, (_, i) => i * 7919 - 4e8);
  const dims = { rows, columns, count };
  const slabs = [x.subarray(0, cut), x.subarray(cut)].filter((slab) => slab.length > 0);
  const calls = slabs.map((slab, i) =>
    call(takeRowStarts, { ...dims, offset: i * cut, size: slab.length }, { x: `x${i}` }),
  );
  const values = Object.fromEntries(slabs.map((slab, i) => [`x${i}`, slab.slice()]));
  const { starts } = await runKernels(calls, values);
  expect([...starts!]).toEqual(oracle.take(x, rows, columns, count));
});

test.each(CASES)("putRowStarts() writes %s and zeros elsewhere", async (_why, rows, columns, count, cut) => {
  const dStarts = normals(rows * count, 3);
  const whole = oracle.put(dStarts, rows, columns, count);
  for (const [offset, size] of [
    [0, cut],
    [cut, rows * columns - cut],
  ] as const) {
    if (size === 0) continue;
    const { dx } = await runKernel(putRowStarts, { rows, columns, count, offset, size }, { dStarts });
    expect([...dx!]).toEqual(whole.slice(offset, offset + size));
  }
});

test("put is the transpose of take: ⟨take(x), y⟩ = ⟨x, put(y)⟩", () => {
  const [rows, columns, count] = [4, 11, 5];
  const x = normals(rows * columns, 1);
  const y = normals(rows * count, 2);
  const dot = (a: ArrayLike<number>, b: ArrayLike<number>) =>
    Array.from(a).reduce((sum, v, i) => sum + v * b[i]!, 0);
  const difference =
    dot(oracle.take(x, rows, columns, count), y) - dot(x, oracle.put(y, rows, columns, count));
  expect(Math.abs(difference)).toBeLessThan(1e-14); // 20 products of size 1 in f64, summed in two orders
});
