import { expect, test } from "vitest";
import { columnSums, sumPartials } from "../../src/kernels/reduce.js";
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
  const run = () => runKernel(sumPartials, { parts, count, add }, { partials, out });
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
  const { out: sums } = await runKernel(sumPartials, { parts, count, add, within }, { partials, out });
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
      call(sumPartials, { parts: 16, count: 1, add: false }),
    ],
    { x },
  );
  expect([...out!]).toEqual([499_500]); // whole numbers below 2^24 add exactly
});
