import { describe, expect, test } from "vitest";
import { type EmbeddingDims, embedding, positionTables } from "../../src/kernels/embedding.js";
import { Random, randomKey, threefry2x32, uniformOf } from "../../src/random.js";
import { type Factor, embedding as oracle } from "../oracle/embedding.js";
import { expectClose, ulps } from "../support/close.js";
import { call, runKernels, type TypedArray } from "../support/run-kernel.js";

const axial: EmbeddingDims = {
  tokens: 42,
  length: 21,
  rowOffset: 0,
  positionOffset: 0,
  size: 11,
  vocab: 7,
  positions: "axial",
  positionShape: [4, 6],
  positionSizes: [4, 7],
  align: 1,
  fixedPoint: false,
  dropout: 0,
  dropoutRate: 0,
  site: 12,
  positionSite: 13,
};
const learned: EmbeddingDims = {
  ...axial,
  positions: "learned",
  positionShape: [30],
  positionSizes: [11],
};
/** 24 positions, too; every table begins at a binding's offset. */
const three: EmbeddingDims = { ...axial, positionShape: [2, 3, 4], positionSizes: [2, 4, 5], align: 64 };

const ROWS: [why: string, dims: EmbeddingDims][] = [
  ["axial positions", axial],
  [
    "axial, an offset and a slab that starts inside a sequence",
    { ...axial, tokens: 17, rowOffset: 9, positionOffset: 3 },
  ],
  ["learned positions with an offset", { ...learned, positionOffset: 9 }],
  ["axial, padding beyond the tables", { ...axial, tokens: 56, length: 28, padding: 4 }],
  [
    "learned, padding beyond the table, a slab",
    { ...learned, tokens: 20, length: 33, rowOffset: 30, padding: 3 },
  ],
  ["three axes", three],
  [
    "three axes, an offset and a slab that starts inside a sequence",
    { ...three, tokens: 17, rowOffset: 9, positionOffset: 3 },
  ],
  ["three axes, padding beyond the tables", { ...three, tokens: 56, length: 28, padding: 4 }],
  ["three axes, seeded dropout of planes", { ...three, dropout: 1, dropoutRate: 0.3 }],
  ["three axes, given masks", { ...three, dropout: 2, dropoutRate: 0.25 }],
  ["axial, fixed point", { ...axial, fixedPoint: true }],
  ["axial, seeded dropout, a slab", { ...axial, tokens: 20, rowOffset: 15, dropout: 1, dropoutRate: 0.3 }],
  ["learned, seeded dropout, fixed point", { ...learned, fixedPoint: true, dropout: 1, dropoutRate: 0.1 }],
  ["axial, given masks", { ...axial, dropout: 2, dropoutRate: 0.25 }],
  ["learned, given masks", { ...learned, dropout: 2, dropoutRate: 0.5 }],
];

const SEED = 99;
const DRAW = 5;
const control = () => {
  const words = new Uint32Array(16);
  words.set([...randomKey(SEED), DRAW]);
  return words;
};

/** The mask the shaders draw at a site, rebuilt from the definition in shaders/shared/dropout.wgsl. */
function seeded(site: number, rate: number): Factor {
  const key = threefry2x32(randomKey(SEED), [DRAW, site]);
  return (row, column) =>
    uniformOf(threefry2x32(key, [row, column])[0]) >= Math.fround(rate) ? 1 / (1 - rate) : 0;
}

function inputsOf(d: EmbeddingDims) {
  const random = new Random(5);
  const normals = (count: number) => Float32Array.from({ length: count }, () => random.normal());
  const bits = (count: number) => Uint32Array.from({ length: count }, () => random.below(2));
  const { end } = positionTables(d);
  const values: Record<string, TypedArray> = {
    ids: Uint32Array.from({ length: d.tokens }, () => random.below(d.vocab)),
    word: normals(d.vocab * d.size),
    positions: normals(end),
  };
  if (d.dropout === 1) values.control = control();
  if (d.dropout === 2) {
    values.keepWord = bits(d.tokens * d.size);
    values.keepPosition = bits(d.positions === "axial" ? 2 * d.positionShape[1]! : d.tokens * d.size);
  }
  return values;
}

/** The dropout masks of words and positions as functions of row and column. */
function masksOf(d: EmbeddingDims, values: Record<string, TypedArray>): readonly [Factor, Factor] {
  if (d.dropout === 1) return [seeded(d.site, d.dropoutRate), seeded(d.positionSite, d.dropoutRate)];
  if (d.dropout === 0) return [() => 1, () => 1];
  const given =
    (mask: TypedArray, first: number, width: number): Factor =>
    (row, column) =>
      mask[(row - first) * width + column]! / (1 - d.dropoutRate);
  const word = given(values.keepWord!, d.rowOffset, d.size);
  if (d.positions === "learned") return [word, given(values.keepPosition!, d.rowOffset, d.size)];
  return [word, given(values.keepPosition!, 0, d.positionShape[1]!)];
}

/** What the oracle takes: one array for each table. */
const tablesIn = (d: EmbeddingDims, positions: TypedArray) =>
  positionTables(d).tables.map(({ start, rows, width }) => positions.subarray(start, start + rows * width));

describe("embedding(ids, word, positions)", () => {
  test.each(ROWS)("equals the oracle: %s", async (_, dims) => {
    const values = inputsOf(dims);
    const { out, again } = await runKernels(
      [call(embedding, dims), call(embedding, dims, { out: "again" })],
      values,
    );
    expect(again).toEqual(out);
    const { ids, word, positions } = values;
    const [wordMask, positionMask] = masksOf(dims, values);
    const evaluate = (w: TypedArray, p: TypedArray) =>
      oracle(dims, ids!, w, tablesIn(dims, p), wordMask, positionMask);
    const scale = evaluate(word!.map(Math.abs), positions!.map(Math.abs));
    const { fixedPoint } = dims;
    const actual = fixedPoint
      ? Array.from(out!, (w) => w / 65536)
      : new Float32Array((out as Int32Array).buffer);
    // Two factors of three roundings (1 - rate, quotient, product), a product and a sum: below 8 roundings.
    const bound = ulps(8, scale, "scaling by dropout and one sum in f32, and half a step of fixed point");
    const step = fixedPoint ? 2 ** -17 : 0;
    expectClose(actual, evaluate(word!, positions!), { ...bound, at: (i) => bound.at(i) + step });
  });

  test("starts at the control buffer's position, so decoding needs one plan", async () => {
    const values = { ...inputsOf(axial), control: new Uint32Array(16) };
    const moved = { ...axial, positionOffset: 3 };
    const expected = (await runKernels([call(embedding, moved)], values)).out;
    values.control[8] = 3;
    expect((await runKernels([call(embedding, axial)], values)).out).toEqual(expected);
  });

  test("refuses more positions than the tables hold", async () => {
    const dims = { ...axial, positionOffset: 4 };
    await expect(runKernels([call(embedding, dims)], inputsOf(dims))).rejects.toThrow("hold 24");
  });
});
