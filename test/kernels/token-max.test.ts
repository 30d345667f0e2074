import { expect, test } from "vitest";
import { tokenMax, tokenMaxBackward } from "../../src/kernels/token-max.js";
import * as oracle from "../oracle/token-max.js";
import { call, runKernel, runKernels } from "../support/run-kernel.js";
import { normals } from "../support/values.js";

const NONE = 2 ** 32 - 1;

/** Batch, length, columns, and where the rows are cut. */
const CASES = [
  ["one token", 1, 1, 3, 1],
  ["rows cut inside a sequence", 3, 40, 70, 64],
  ["a cut between sequences, many tokens", 2, 300, 5, 300],
] as const;

test.each(CASES)("the largest, its place and its gradient: %s", async (_why, batch, length, columns, cut) => {
  const all = batch * length;
  const mask = Uint32Array.from({ length: all }, (_, i) =>
    Number(i % length < 1 + (((i / length) * 17) % length)),
  );
  // Few different values, so that many are equal.
  const x = normals(all * columns, 1).map((value) => Math.round(value * 2));
  const parts = [
    { rows: cut, rowOffset: 0 },
    { rows: all - cut, rowOffset: cut },
  ].filter(({ rows }) => rows > 0);
  const dims = { batch, length, columns };
  const calls = parts.map((part, i) =>
    call(tokenMax, { ...dims, ...part, masked: true, add: i > 0 }, { x: `x${i}` }),
  );
  const slabs = Object.fromEntries(
    parts.map(({ rows, rowOffset }, i) => [
      `x${i}`,
      x.slice(rowOffset * columns, (rowOffset + rows) * columns),
    ]),
  );
  const { maxima, places } = await runKernels(calls, { mask, ...slabs });
  const wanted = oracle.pool(mask, x, batch, columns);
  expect([...maxima!]).toEqual(wanted.maxima);
  expect([...places!]).toEqual(wanted.places);

  const dMaxima = normals(batch * columns, 2);
  const dx = oracle.spread(wanted.places, dMaxima, all, columns);
  const rows = Uint32Array.from(wanted.places);
  for (const part of parts) {
    const got = await runKernel(tokenMaxBackward, { ...dims, ...part }, { dMaxima, rows });
    const from = part.rowOffset * columns;
    expect([...got.dx!]).toEqual(dx.slice(from, from + part.rows * columns));
  }
});

test("without a mask every token counts; a sequence of padding has no place", async () => {
  const dims = { batch: 2, length: 2, columns: 1, rows: 4, rowOffset: 0, add: false };
  const x = Float32Array.of(-3, -2, -1, -4);
  const plain = await runKernel(tokenMax, { ...dims, masked: false }, { x });
  expect([...plain.maxima!]).toEqual([-2, -1]);
  expect([...plain.places!]).toEqual([1, 2]);
  const masked = await runKernel(
    tokenMax,
    { ...dims, masked: true },
    { x, mask: Uint32Array.of(0, 0, 0, 1) },
  );
  expect([...masked.places!]).toEqual([NONE, 3]);
  expect([...masked.maxima!]).toEqual([0, -4]);
});
