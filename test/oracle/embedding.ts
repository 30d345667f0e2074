import type { PositionDims } from "../../src/kernels/embedding.js";

/** What dropout multiplies an element with, by row and column of its mask. */
export type Factor = (row: number, column: number) => number;

/** Position of token `token` of the batch; padding beyond the tables takes their last one. */
export function positionOf(dims: PositionDims, token: number): number {
  const [rows, columns] = dims.positionShape;
  return Math.min(dims.positionOffset + (token % dims.length), rows * columns - 1);
}

/** Factor of the position vector of an element: axial positions lose whole columns, learned ones single elements. */
export function positionFactor(dims: PositionDims, factor: Factor, token: number, column: number): number {
  if (dims.positions === "learned") return factor(token, column);
  return factor(Math.floor(token / dims.length), positionOf(dims, token) % dims.positionShape[1]);
}

/** out[t,c] = word[ids[t],c]·w + position(p,c)·v, the position vectors of two tables side by side. */
export function embedding(
  dims: PositionDims,
  ids: ArrayLike<number>,
  word: ArrayLike<number>,
  pos0: ArrayLike<number>,
  pos1: ArrayLike<number> = [],
  wordMask: Factor = () => 1,
  positionMask: Factor = () => 1,
): number[] {
  const { tokens, rowOffset, size } = dims;
  const [, columns] = dims.positionShape;
  const [size0, size1] = dims.positionSizes;
  const out: number[] = [];
  for (let t = 0; t < tokens; t++)
    for (let c = 0; c < size; c++) {
      const token = rowOffset + t;
      const p = positionOf(dims, token);
      const position =
        c < size0 ? pos0[Math.floor(p / columns) * size0 + c]! : pos1[(p % columns) * size1 + c - size0]!;
      const kept = positionFactor(dims, positionMask, token, c);
      out.push(word[ids[t]! * size + c]! * wordMask(token, c) + position * kept);
    }
  return out;
}
