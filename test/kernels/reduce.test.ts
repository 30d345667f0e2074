import { expect, test } from "vitest";
import { columnSums, type PartialSet, sumPartials, sumPartialsDims } from "../../src/kernels/reduce.js";
import * as oracle from "../oracle/reduce.js";
import { expectClose, ulps } from "../support/close.js";
import { call, runKernel, runKernels } from "../support/run-kernel.js";
import { normals } from "../support/values.js";

test.each([
  ["one part", 1, 300, false],
  ["few parts, one lane each", 5, 300, true],
  ["many parts, 16 lanes each", 67, 33, false],
  ["many parts added to out", 67, 33, true],
  ["one element", 67, 1, false],
] as const)("sumPartials(): %s", async (_why, parts, count, add) => {
  const partials = normals(parts * count, 1);
  const out = normals(count, 2);
  const run = () => runKernel(sumPartials, sumPartialsDims([{ parts, count }], { add }), { partials, out });
  const { out: sums } = await run();
  const before = (v: number, i: number) => v + (add ? out[i]! : 0);
  const expected = oracle.sumPartials(partials, parts, count).map(before);
  const sizes = oracle.sumPartials(partials.map(Math.abs), parts, count).map((v, i) => v + Math.abs(out[i]!));
  expectClose(sums!, expected, ulps(parts, sizes, "a sum of `parts` terms and the old value"), "out");
  expect((await run()).out).toEqual(sums);
});

test.each([
  ["few parts, overwriting", 5, false],
  ["many parts, adding", 67, true],
] as const)("sumPartials() into columns of a wider matrix: %s", async (_why, parts, add) => {
  const within = { columns: 9, width: 23, first: 11 };
  const rows = 37;
  const count = rows * within.columns;
  const partials = normals(parts * count, 1);
  const out = normals(rows * within.width, 2);
  const { out: sums } = await runKernel(sumPartials, sumPartialsDims([{ parts, count }], { add, within }), {
    partials,
    out,
  });
  const [added, sizes] = [partials, partials.map(Math.abs)].map((p) => oracle.sumPartials(p, parts, count));
  /** The sum that stands at an element, if one does. */
  const at = (i: number) => {
    const column = (i % within.width) - within.first;
    const inside = column >= 0 && column < within.columns;
    return inside ? Math.floor(i / within.width) * within.columns + column : -1;
  };
  const expected = Float64Array.from(out, (x, i) => (at(i) < 0 ? x : added![at(i)]! + (add ? x : 0)));
  const magnitudes = Float64Array.from(out, (x, i) => (at(i) < 0 ? 0 : sizes![at(i)]! + Math.abs(x)));
  expectClose(sums!, expected, ulps(parts, magnitudes, "a sum of `parts` terms and the old value"), "out");
});

test.each([
  [
    "the first of two without parts",
    [
      [0, 70],
      [3, 300],
    ],
    64,
  ],
  [
    "gaps between sets that fill no multiple",
    [
      [5, 65],
      [2, 1],
      [7, 130],
    ],
    64,
  ],
  [
    "one and 16 lanes, the second set begins in a workgroup of its own",
    [
      [31, 300],
      [32, 40],
    ],
    64,
  ],
  [
    "as many as there may be, one without parts in between",
    [
      [67, 33],
      [67, 33],
      [0, 500],
      [4, 500],
      [1, 9],
    ],
    64,
  ],
  [
    "end to end",
    [
      [3, 5],
      [40, 7],
      [2, 11],
    ],
    1,
  ],
] as const)("sumPartials() of neighbours: %s", async (_why, sizes, align) => {
  const sets: PartialSet[] = sizes.map(([parts, count]) => ({ parts, count }));
  const starts = (lengths: readonly number[]) => {
    let end = 0;
    const all = lengths.map((length) => {
      const start = Math.ceil(end / align) * align;
      if (length > 0) end = start + length;
      return start;
    });
    return { all, end };
  };
  const from = starts(sets.map(({ parts, count }) => parts * count));
  const to = starts(sets.map(({ count }) => count));
  const partials = normals(from.end, 1);
  const out = normals(to.end, 2);
  const { out: sums } = await runKernel(sumPartials, sumPartialsDims(sets, { add: true, align }), {
    partials,
    out,
  });
  const expected = Float32Array.from(out); // gaps and sets of no parts stay as they are
  for (const [s, { parts, count }] of sets.entries()) {
    if (parts === 0) continue;
    const own = partials.subarray(from.all[s], from.all[s]! + parts * count);
    const before = out.subarray(to.all[s], to.all[s]! + count);
    // A set is summed as it is alone, to the bit.
    const alone = await runKernel(sumPartials, sumPartialsDims([{ parts, count }], { add: true }), {
      partials: own,
      out: before,
    });
    expected.set(alone.out as Float32Array, to.all[s]);
    const sized = oracle.sumPartials(own.map(Math.abs), parts, count).map((v, i) => v + Math.abs(before[i]!));
    const wanted = oracle.sumPartials(own, parts, count).map((v, i) => v + before[i]!);
    const bound = ulps(parts, sized, "a sum of `parts` terms and the old value");
    expectClose(sums!.subarray(to.all[s], to.all[s]! + count), wanted, bound, `out of set ${s}`);
  }
  expect(sums).toEqual(expected);
});

test("sumPartialsDims() has room for five sets", () => {
  const sets = Array.from({ length: 6 }, () => ({ parts: 1, count: 1 }));
  expect(() => sumPartialsDims(sets, { add: true })).toThrow("6 sets");
});

test.each([
  ["one row", 1, 5, 4],
  ["the last part is partial", 67, 130, 10],
  ["one part", 67, 130, 67],
  ["parts of one row", 9, 64, 1],
] as const)("columnSums(): %s", async (_why, rows, columns, rowsPerPart) => {
  const x = normals(rows * columns, 1);
  const run = () => runKernel(columnSums, { rows, columns, rowsPerPart }, { x });
  const { partials } = await run();
  const sizes = oracle.columnSums(x.map(Math.abs), rows, columns, rowsPerPart);
  const bound = ulps(rowsPerPart, sizes, "a sum of `rowsPerPart` terms");
  expectClose(partials!, oracle.columnSums(x, rows, columns, rowsPerPart), bound, "partials");
  expect((await run()).partials).toEqual(partials);
});

test("columnSums() then sumPartials() sum a vector", async () => {
  const x = Float32Array.from({ length: 1000 }, (_, i) => i);
  const { out } = await runKernels(
    [
      call(columnSums, { rows: 1000, columns: 1, rowsPerPart: 64 }),
      call(sumPartials, sumPartialsDims([{ parts: 16, count: 1 }], { add: false })),
    ],
    { x },
  );
  expect([...out!]).toEqual([499_500]); // whole numbers below 2^24 add exactly
});
