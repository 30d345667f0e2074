import type { PositionDims } from "../../src/kernels/embedding.js";

/** What dropout multiplies an element with, by row and column of its mask. */
export type Factor = (row: number, column: number) => number;

const product = (axes: readonly number[]) => axes.reduce((all, rows) => all * rows, 1);

/** Position of token `token` of the batch; padding beyond the tables takes their last one. */
export function positionOf(dims: PositionDims, token: number): number {
  return Math.min(dims.positionOffset + (token % dims.length), product(dims.positionShape) - 1);
}

/** Rows of a position in the table of every axis: its digits, the last axis the fastest. */
export function positionRows({ positionShape }: PositionDims, p: number): number[] {
  return positionShape.map((rows, axis) => Math.floor(p / product(positionShape.slice(axis + 1))) % rows);
}

/** Factor of the position vector of an element: axial positions lose whole planes, learned ones single elements. */
export function positionFactor(dims: PositionDims, factor: Factor, token: number, column: number): number {
  if (dims.positions === "learned") return factor(token, column);
  return factor(Math.floor(token / dims.length), positionRows(dims, positionOf(dims, token))[1]!);
}

/** out[t,c] = word[ids[t],c]·w + position(p,c)·v, the position vectors of all tables side by side. */
export function embedding(
  dims: PositionDims,
  ids: ArrayLike<number>,
  word: ArrayLike<number>,
  tables: readonly ArrayLike<number>[],
  wordMask: Factor = () => 1,
  positionMask: Factor = () => 1,
): number[] {
  const { tokens, rowOffset, size } = dims;
  const out: number[] = [];
  for (let t = 0; t < tokens; t++)
    for (let c = 0; c < size; c++) {
      const token = rowOffset + t;
      const vectors = positionRows(dims, positionOf(dims, token)).map((row, axis) => {
        const width = dims.positionSizes[axis]!;
        return Array.from({ length: width }, (_, i) => tables[axis]![row * width + i]!);
      });
      const kept = positionFactor(dims, positionMask, token, c);
      out.push(word[ids[t]! * size + c]! * wordMask(token, c) + vectors.flat()[c]! * kept);
    }
  return out;
}
