import { describe, expect, test } from "vitest";
import {
  type BalanceDims,
  balanceAssign,
  balanceProject,
  balanceProjectHalf,
} from "../../src/kernels/balance.js";
import { Random } from "../../src/random.js";
import { balance, cosines } from "../oracle/balance.js";
import { bucketSort } from "../oracle/bucket-sort.js";
import { expectClose, U32, within } from "../support/close.js";
import { runKernel } from "../support/run-kernel.js";
import { halvesOf, normals } from "../support/values.js";

const dims: BalanceDims = {
  ...{ batch: 2, heads: 2, length: 150, headSize: 20, rounds: 2 },
  ...{ levels: 2, level: 1, cells: 4, factor: 6, masked: true },
};
const SEGMENTS = 2 * 2 * 2;
const keyMask = Uint32Array.from({ length: 2 * 150 }, (_, i) => Number(i % 7 !== 3));
const maskedAt = (i: number) => keyMask[Math.floor(i / (4 * 150)) * 150 + (i % 150)] === 0;

const random = new Random(4);
const cellsIn = Uint32Array.from({ length: SEGMENTS * 150 }, (_, i) => (maskedAt(i) ? 4 : random.below(4)));

describe("balanceProject(qk, directions)", () => {
  const qk = normals(2 * 2 * 150 * 20, 1);
  qk.fill(0, 0, 20);
  const directions = normals(2 * 20 * 2 * 2, 2);

  test.each([
    ["second level, masked tokens", dims],
    ["first level, no mask", { ...dims, level: 0, cells: 1, masked: false }],
  ])("equals the oracle: %s", async (_, d) => {
    const given = { qk, directions, ...(d.level > 0 && { cellsIn }), ...(d.masked && { keyMask }) };
    const { ids } = await runKernel(balanceProject, d, given);
    const expected = cosines(d, qk, directions);
    const hidden = (i: number) => d.masked && maskedAt(i);
    expect([...ids!].map((id) => id >>> 16)).toEqual(
      expected.map((_, i) => (hidden(i) ? d.cells : d.level > 0 ? cellsIn[i]! : 0)),
    );
    // A projection is rounded down to 2/65,535; three sums of D terms, two roots and a quotient (4 ulp each at most)
    // move it by (2D + 16)·2^-24 at most: |x·a| ≤ |x||a|, and Σ|terms| ≤ |x||a| too.
    const error = (2 * 20 + 16) * U32;
    expectClose(
      [...ids!].map((id, i) => (hidden(i) ? 0 : ((id & 0xffff) + 0.5) / 32_767.5 - 1)),
      expected.map((cosine, i) => (hidden(i) ? 0 : cosine)),
      within(0.5 / 32_767.5 + error, "half a step of 16 bits, and f32 sums"),
    );
    expect((await runKernel(balanceProject, d, given)).ids).toEqual(ids);
    const { numbers, words } = halvesOf(qk);
    const [ofHalves, rounded] = await Promise.all([
      runKernel(balanceProjectHalf, d, { ...given, qk: words }),
      runKernel(balanceProject, d, { ...given, qk: numbers }),
    ]);
    expect(ofHalves.ids, "of what is stored as halves").toEqual(rounded.ids);
  });
});

describe("balanceAssign(ids, order)", () => {
  test.each([
    ["masked tokens, ids with ties", dims],
    ["no mask, first level", { ...dims, level: 0, cells: 1, factor: 24, masked: false }],
  ])("equals the oracle: %s", async (_, d) => {
    const ids = cellsIn.map((cell) => (d.level > 0 ? cell * 2 ** 16 : 0) + (cell < 4 ? random.below(40) : 0));
    const order = Uint32Array.from(bucketSort(SEGMENTS, 150, ids));
    const { cells } = await runKernel(balanceAssign, d, { sortedIds: ids, order });
    const count = d.cells * d.factor;
    for (let segment = 0; segment < SEGMENTS; segment++) {
      const of = (values: ArrayLike<number>) => Array.from(values).slice(segment * 150, (segment + 1) * 150);
      const expected = balance(of(ids), (token) => d.masked && maskedAt(segment * 150 + token), count);
      expect(of(cells!)).toEqual(expected);
      const sizes = new Array<number>(count).fill(0);
      for (const cell of expected) if (cell < count) sizes[cell]!++;
      expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
    }
  });

  test("is exact where rank times cells exceeds 2^32", async () => {
    const length = 100_003;
    const d = { ...dims, ...{ batch: 1, heads: 1, rounds: 1, length, cells: 1, level: 0, masked: false } };
    const large = { ...d, factor: 2 ** 20 };
    const order = Uint32Array.from({ length }, (_, i) => i);
    const { cells } = await runKernel(balanceAssign, large, { sortedIds: order, order });
    const wrong = [...cells!].filter((cell, rank) => cell !== Math.floor((rank * 2 ** 20) / length));
    expect(wrong).toEqual([]);
  });
});
