import { describe, expect, test } from "vitest";
import {
  type PositionEmbeddingBackwardDims,
  positionEmbeddingBackward,
} from "../../src/kernels/position-embedding-backward.js";
import { Random } from "../../src/random.js";
import { embedding, type Factor } from "../oracle/embedding.js";
import { positionEmbeddingBackward as oracle } from "../oracle/position-embedding-backward.js";
import { expectClose, ulps, within } from "../support/close.js";
import { call, runKernels, type TypedArray } from "../support/run-kernel.js";
import { controlWords, normals, seededKeep } from "../support/values.js";

const axial: PositionEmbeddingBackwardDims = {
  tokens: 72,
  length: 24,
  rowOffset: 0,
  positionOffset: 0,
  size: 12,
  positions: "axial",
  positionShape: [4, 6],
  positionSizes: [5, 7],
  align: 1,
  axis: 0,
  dropout: 0,
  dropoutRate: 0,
  positionSite: 7,
};
const learned: PositionEmbeddingBackwardDims = {
  ...axial,
  positions: "learned",
  positionShape: [30],
  positionSizes: [12],
};
/** 24 positions, too. */
const three: PositionEmbeddingBackwardDims = { ...axial, positionShape: [2, 3, 4], positionSizes: [3, 4, 5] };
const slab = { tokens: 31, rowOffset: 20 };
const part = { length: 18, tokens: 36, positionOffset: 4 };

const ROWS: [why: string, dims: PositionEmbeddingBackwardDims][] = [
  ["the slow axial table", axial],
  ["the fast axial table", { ...axial, axis: 1 }],
  ["the slow table, a slab", { ...axial, ...slab }],
  ["the fast table, a slab", { ...axial, ...slab, axis: 1 }],
  ["the slow table, part of the positions", { ...axial, ...part }],
  ["the fast table, part of the positions", { ...axial, ...part, axis: 1 }],
  ["the slowest of three axes, a slab", { ...three, ...slab }],
  ["the second of three axes", { ...three, axis: 1 }],
  ["the second of three axes, part of the positions", { ...three, ...part, axis: 1 }],
  ["the fastest of three axes, a slab", { ...three, ...slab, axis: 2 }],
  [
    "the fastest of three axes, seeded dropout of planes",
    { ...three, axis: 2, dropout: 1, dropoutRate: 0.3 },
  ],
  ["the second of three axes, given planes", { ...three, axis: 1, dropout: 2, dropoutRate: 0.25 }],
  ["a learned table longer than the sequences", learned],
  ["the fast table, seeded dropout in a slab", { ...axial, ...slab, axis: 1, dropout: 1, dropoutRate: 0.3 }],
  ["a learned table, seeded dropout in a slab", { ...learned, ...slab, dropout: 1, dropoutRate: 0.3 }],
  ["the slow table, given columns", { ...axial, dropout: 2, dropoutRate: 0.25 }],
  ["a learned table, given elements", { ...learned, dropout: 2, dropoutRate: 0.25 }],
];

const control = controlWords([9, 8], 6);

function inputsOf(d: PositionEmbeddingBackwardDims) {
  const random = new Random(4);
  const masked = d.positions === "axial" ? 3 * d.positionShape[1]! : d.tokens * d.size;
  const keepPosition = Uint32Array.from({ length: masked }, () => random.below(2));
  const values: Record<string, TypedArray> = {
    dStream: normals(d.tokens * d.size, 2),
    dPositions: normals(d.positionShape[d.axis]! * d.positionSizes[d.axis]!, 3),
    ...(d.dropout === 1 && { control }),
    ...(d.dropout === 2 && { keepPosition }),
  };
  return values;
}

describe("positionEmbeddingBackward(dStream)", () => {
  test.each(ROWS)("equals the oracle and repeats to the bit: %s", async (_, dims) => {
    const values = inputsOf(dims);
    const { dStream, dPositions, keepPosition } = values;
    const result = (await runKernels([call(positionEmbeddingBackward, dims)], values)).dPositions!;
    expect((await runKernels([call(positionEmbeddingBackward, dims)], values)).dPositions).toEqual(result);
    const { dropout, dropoutRate, positionSite, rowOffset } = dims;
    // Axial masks have a row for every sequence, learned ones for every token of the slab.
    const [rows, columns, first] =
      dims.positions === "axial" ? [3, dims.positionShape[1]!, 0] : [dims.tokens, dims.size, rowOffset];
    const kept =
      dropout === 1
        ? seededKeep(control, positionSite, dropoutRate, rows, columns, first)
        : (keepPosition ?? []);
    const mask: Factor = (row, column) =>
      dropout === 0 ? 1 : kept[(row - first) * columns + column]! / (1 - dropoutRate);
    const sizes = oracle(dims, dStream!.map(Math.abs), dPositions!.map(Math.abs), mask);
    // 3 sequences and the positions of a row in each; 4 roundings scale each term, one adds to the old gradient.
    const terms =
      3 * (dims.positionShape.reduce((all, rows) => all * rows, 1) / dims.positionShape[dims.axis]!);
    const bound = ulps(terms + 5, sizes, `sums of up to ${terms} scaled f32 terms`);
    expectClose(result, oracle(dims, dStream!, dPositions!, mask), bound);
  });
});

test.each([
  ["slow axial", axial],
  ["fast axial", { ...axial, axis: 1 } as const],
  ["learned", learned],
  ["slowest of three", three],
  ["second of three", { ...three, axis: 1 }],
  ["fastest of three", { ...three, axis: 2 }],
])("the oracle is the derivative of the forward oracle: %s table", (_, dims) => {
  const random = new Random(6);
  const values = (count: number) => Array.from({ length: count }, () => random.normal());
  const tables = dims.positionShape.map((rows, i) => values(rows * dims.positionSizes[i]!));
  const dOut = values(dims.tokens * dims.size);
  const zeros = new Array<number>(dims.tokens).fill(0);
  const word = new Array<number>(dims.size).fill(0);
  const mask: Factor = (row, column) => ((row + column) % 3 === 0 ? 0 : 1.5);
  const loss = (table: readonly number[]) => {
    const moved = tables.map((other, i) => (i === dims.axis ? table : other));
    const out = embedding(dims, zeros, word, moved, () => 1, mask);
    return out.reduce((sum, x, i) => sum + x * dOut[i]!, 0);
  };
  const table = tables[dims.axis]!;
  const differences = table.map((_, i) => {
    const moved = (by: number) => loss(table.map((x, j) => (j === i ? x + by : x)));
    return moved(0.5) - moved(-0.5);
  });
  const gradient = oracle(dims, dOut, new Array(table.length).fill(0), mask);
  expectClose(gradient, differences, within(1e-11, "the loss is linear: f64 rounding only"));
});
