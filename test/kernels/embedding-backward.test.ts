import { describe, expect, test } from "vitest";
import {
  type EmbeddingBackwardDims,
  embeddingBackwardJoins,
  embeddingBackwardRuns,
} from "../../src/kernels/embedding-backward.js";
import { Random } from "../../src/random.js";
import { bucketSort } from "../oracle/bucket-sort.js";
import { embedding } from "../oracle/embedding.js";
import { embeddingBackward as oracle } from "../oracle/embedding-backward.js";
import { expectClose, ulps, within } from "../support/close.js";
import { call, runKernels, type TypedArray } from "../support/run-kernel.js";
import { controlWords, normals, seededKeep } from "../support/values.js";

const base: EmbeddingBackwardDims = {
  tokens: 300,
  rowOffset: 0,
  size: 9,
  vocab: 20,
  dropout: 0,
  dropoutRate: 0,
  site: 6,
};

/** An id for every token. */
type Text = (token: number, random: Random) => number;
const anyWord: Text = (_, random) => random.below(20);

const ROWS: [why: string, dims: EmbeddingBackwardDims, text: Text][] = [
  ["one token", { ...base, tokens: 1 }, () => 7],
  ["runs within and across windows, all ids", { ...base, tokens: 1300 }, anyWord],
  ["one run over many windows, whole and broken", { ...base, tokens: 1100 }, () => 19],
  ["runs that end with their window", { ...base, tokens: 1024 }, (t) => Math.floor(t / 512) + 3],
  ["a long run between short ones", { ...base, tokens: 1500 }, (t) => (t % 100 < 90 ? 5 : t % 10)],
  [
    "every id once, columns beyond a workgroup",
    { ...base, tokens: 300, vocab: 300, size: 70 },
    (t) => 299 - t,
  ],
  ["seeded dropout in a slab", { ...base, rowOffset: 77, dropout: 1, dropoutRate: 0.3 }, anyWord],
  ["a given mask", { ...base, dropout: 2, dropoutRate: 0.25 }, anyWord],
];

const control = controlWords([3, 4], 2);

function inputsOf(dims: EmbeddingBackwardDims, text: Text) {
  const { tokens, size, vocab } = dims;
  const random = new Random(1);
  const ids = Uint32Array.from({ length: tokens }, (_, t) => text(t, random));
  const keep = Uint32Array.from({ length: tokens * size }, () => random.below(2));
  const values: Record<string, TypedArray> = {
    ids,
    order: Uint32Array.from(bucketSort(1, tokens, ids)),
    dWord: normals(vocab * size, 2),
    dStream: normals(tokens * size, 3),
    ...(dims.dropout === 1 && { control }),
    ...(dims.dropout === 2 && { keepWord: keep }),
  };
  return values;
}

describe("embeddingBackwardRuns, embeddingBackwardJoins", () => {
  test.each(ROWS)("equal the oracle and repeat to the bit: %s", async (_, dims, text) => {
    const values = inputsOf(dims, text);
    const { ids, dWord, dStream, keepWord } = values;
    const steps = [
      call(embeddingBackwardRuns, dims),
      call(embeddingBackwardJoins, dims, { partsIn: "parts" }),
    ];
    const result = (await runKernels(steps, values)).dWord!;
    expect((await runKernels(steps, values)).dWord).toEqual(result);
    const { dropout, dropoutRate, site, tokens, size, rowOffset } = dims;
    const kept =
      dropout === 1 ? seededKeep(control, site, dropoutRate, tokens, size, rowOffset) : (keepWord ?? []);
    const mask = (row: number, column: number) =>
      dropout === 0 ? 1 : kept[(row - rowOffset) * size + column]! / (1 - dropoutRate);
    const sizes = oracle(dims, ids!, dWord!.map(Math.abs), dStream!.map(Math.abs), mask);
    // n tokens of one word are added in n roundings, after 4 for scaling each; one more adds to the old gradient.
    const most = Math.max(...[...ids!].map((id) => ids!.filter((other) => other === id).length));
    const bound = ulps(most + 5, sizes, `sums of up to ${most} scaled f32 terms`);
    expectClose(result, oracle(dims, ids!, dWord!, dStream!, mask), bound);
  });
});

test("the oracle is the derivative of the forward oracle", () => {
  const dims = { ...base, tokens: 12, size: 3, vocab: 5 };
  const forward = {
    ...dims,
    length: 12,
    positionOffset: 0,
    positions: "learned",
    positionShape: [12],
    positionSizes: [3],
    align: 1,
  } as const;
  const random = new Random(8);
  const ids = Array.from({ length: 12 }, () => random.below(5));
  const word = Array.from({ length: 15 }, () => random.normal());
  const dOut = Array.from({ length: 36 }, () => random.normal());
  const mask = (row: number, column: number) => ((row + column) % 3 === 0 ? 0 : 1.5);
  const loss = (table: readonly number[]) =>
    embedding(forward, ids, table, [new Array(36).fill(0)], mask).reduce(
      (sum, x, i) => sum + x * dOut[i]!,
      0,
    );
  const differences = word.map((_, i) => {
    const moved = (by: number) => loss(word.map((x, j) => (j === i ? x + by : x)));
    return moved(0.5) - moved(-0.5);
  });
  const gradient = oracle(dims, ids, new Array(15).fill(0), dOut, mask);
  expectClose(gradient, differences, within(1e-12, "the loss is linear: f64 rounding only"));
});
