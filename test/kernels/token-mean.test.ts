import { expect, test } from "vitest";
import { tokenMean, tokenMeanBackward, tokenShares } from "../../src/kernels/token-mean.js";
import * as oracle from "../oracle/token-mean.js";
import { expectClose, U32, within } from "../support/close.js";
import { call, runKernel, runKernels } from "../support/run-kernel.js";
import { normals } from "../support/values.js";

/** Batch, length, columns, and where the rows are cut. */
const CASES = [
  ["one token", 1, 1, 3, 1],
  ["rows cut inside a sequence", 3, 40, 70, 64],
  ["a cut between sequences, more tokens than lanes", 2, 300, 5, 300],
] as const;

/** Real tokens first, then padding; the last sequence is whole. */
const maskOf = (batch: number, length: number) =>
  Uint32Array.from({ length: batch * length }, (_, i) => {
    const sequence = Math.floor(i / length);
    return Number(sequence === batch - 1 || i % length < 1 + ((7 * sequence + 5) % length));
  });

test.each(CASES)("shares, mean and its gradient: %s", async (_why, batch, length, columns, cut) => {
  const mask = maskOf(batch, length);
  const x = normals(batch * length * columns, 1);
  const all = batch * length;
  const parts = [
    { rows: cut, rowOffset: 0 },
    { rows: all - cut, rowOffset: cut },
  ].filter(({ rows }) => rows > 0);
  const dims = { batch, length, columns };
  const calls = [
    call(tokenShares, { batch, length, rows: all, rowOffset: 0, masked: true }, { out: "shares" }),
    ...parts.map((part, i) => call(tokenMean, { ...dims, ...part, add: i > 0 }, { x: `x${i}` })),
  ];
  const slabs = Object.fromEntries(
    parts.map(({ rows, rowOffset }, i) => [
      `x${i}`,
      x.slice(rowOffset * columns, (rowOffset + rows) * columns),
    ]),
  );
  const got = await runKernels(calls, { mask, ...slabs });
  const shares = oracle.shares(mask, batch, length);
  // One rounding of a quotient that is at most 1.
  expectClose(got.shares!, shares, within(U32, "one rounding"), "shares");
  const means = oracle.pool(shares, x, batch, columns);
  // |Σ share·x| ≤ max|x|; the share and the product are rounded, and a lane adds at most ⌈length/4⌉ + 5 terms.
  const largest = Math.max(...x.map(Math.abs));
  const bound = (length / 4 + 8) * U32 * largest;
  expectClose(got.means!, means, within(bound, "rounded terms, summed in lanes"), "means");
  expect(await runKernels(calls, { mask, ...slabs }), "the same bits every time").toEqual(got);

  const dMeans = normals(batch * columns, 2);
  const share = Float32Array.from(shares);
  const wanted = oracle.spread(share, dMeans, batch);
  for (const { rows, rowOffset } of parts) {
    const { dx } = await runKernel(
      tokenMeanBackward,
      { ...dims, rows, rowOffset },
      { shares: share, dMeans },
    );
    const from = rowOffset * columns;
    expectClose(
      dx!,
      wanted.slice(from, from + rows * columns),
      within(U32 * Math.max(...dMeans.map(Math.abs)), "one rounding of a product"),
      "dx",
    );
  }
});

test("without a mask every token counts the same; a sequence of padding counts nothing", async () => {
  const dims = { batch: 2, length: 4, rows: 8, rowOffset: 0 };
  const { out } = await runKernel(tokenShares, { ...dims, masked: false }, {});
  expect([...out!]).toEqual(new Array(8).fill(0.25));
  const mask = Uint32Array.of(0, 0, 0, 0, 1, 1, 0, 0);
  const masked = await runKernel(tokenShares, { ...dims, masked: true }, { mask });
  expect([...masked.out!]).toEqual([0, 0, 0, 0, 0.5, 0.5, 0, 0]);
});
