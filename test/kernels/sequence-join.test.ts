import { expect, test } from "vitest";
import { joinSequences, splitSequences } from "../../src/kernels/sequence-join.js";
import * as oracle from "../oracle/sequence-join.js";
import { streamFromF32 } from "../oracle/stream.js";
import { call, runKernels } from "../support/run-kernel.js";
import { floatWords, normals, streamWords } from "../support/values.js";

/** Why, sources, S, T, L, E, rows of the first slab. */
const CASES = [
  ["one short source and room left", [3], 5, 4, 12, 7, 12],
  ["sources of every length, whole ones too", [6, 1, 4], 6, 5, 11, 9, 33],
  ["slabs that end inside a source and a target", [5, 2, 7, 4], 7, 6, 16, 3, 10],
  ["more than one workgroup", [40, 64], 64, 33, 100, 20, 128],
] as const;

const sizesOf = (sources: readonly number[], S: number, T: number, L: number, E: number) => ({
  batch: sources.length,
  size: E,
  length: L,
  sourceLength: S,
  targetLength: T,
});

/** Ranges of rows that `rows` cut all of them into. */
function slabs(all: number, rows: number) {
  return Array.from({ length: Math.ceil(all / rows) }, (_, i) => ({
    rowOffset: i * rows,
    rows: Math.min(rows, all - i * rows),
  }));
}

test.each(CASES)("joinSequences() with %s, slab by slab", async (_why, given, S, T, L, E, rows) => {
  const sizes = sizesOf(given, S, T, L, E);
  const sources = Uint32Array.from(given);
  const source = normals(given.length * S * E, 1);
  for (const fixedPoint of [true, false]) {
    const targets = fixedPoint
      ? streamWords(given.length * T * E, 2)
      : floatWords(normals(given.length * T * E, 2));
    const cut = slabs(given.length * L, rows);
    const calls = cut.map((slab, i) =>
      call(joinSequences, { ...sizes, ...slab, fixedPoint }, { joined: `joined${i}` }),
    );
    const results = await runKernels(calls, { sources, source, targets });
    const words = fixedPoint ? streamFromF32(source) : floatWords(source);
    expect(cut.flatMap((_, i) => [...results[`joined${i}`]!])).toEqual([
      ...oracle.join(sizes, sources, words, targets),
    ]);
  }
});

test.each(CASES)(
  "splitSequences() with %s is the transpose, slab by slab",
  async (_why, given, S, T, L, E, rows) => {
    const sizes = sizesOf(given, S, T, L, E);
    const sources = Uint32Array.from(given);
    const count = given.length * L * E;
    const [dx1, dx2] = [normals(count, 1), normals(count, 2)];
    const cut = slabs(given.length * L, rows);
    const values = Object.fromEntries(
      cut.flatMap(({ rowOffset, rows: n }, i) => [
        [`dx1${i}`, dx1.slice(rowOffset * E, (rowOffset + n) * E)],
        [`dx2${i}`, dx2.slice(rowOffset * E, (rowOffset + n) * E)],
      ]),
    );
    const calls = [false, true].flatMap((after) =>
      cut.map((slab, i) =>
        call(
          splitSequences,
          { ...sizes, ...slab, after },
          { dx1: `dx1${i}`, dx2: `dx2${i}`, part: after ? "targets" : "source" },
        ),
      ),
    );
    const zeros = (tokens: number) => new Float32Array(given.length * tokens * E);
    const got = await runKernels(calls, { ...values, sources, source: zeros(S), targets: zeros(T) });
    const sum = dx1.map((x, i) => x + dx2[i]!); // one rounding to f32, as the kernel's
    const expected = oracle.split(sizes, sources, sum);
    expect([...got.source!]).toEqual([...expected.source]);
    expect([...got.targets!]).toEqual([...expected.targets]);
  },
);
