import type { PositionEmbeddingBackwardDims } from "../../src/kernels/position-embedding-backward.js";
import { type Factor, positionFactor, positionOf, positionRows } from "./embedding.js";

/** dPositions[row of p in the table, c] += dStream[t, first column + c]·v, into a copy of `dPositions`. */
export function positionEmbeddingBackward(
  dims: PositionEmbeddingBackwardDims,
  dStream: ArrayLike<number>,
  dPositions: ArrayLike<number>,
  positionMask: Factor = () => 1,
): number[] {
  const { tokens, rowOffset, size, axis, positionSizes } = dims;
  const firstColumn = positionSizes.slice(0, axis).reduce((sum, width) => sum + width, 0);
  const width = positionSizes[axis]!;
  const result = Array.from(dPositions);
  for (let t = 0; t < tokens; t++)
    for (let c = 0; c < width; c++) {
      const token = rowOffset + t;
      const row = positionRows(dims, positionOf(dims, token))[axis]!;
      const column = firstColumn + c;
      const kept = positionFactor(dims, positionMask, token, column);
      result[row * width + c]! += dStream[t * size + column]! * kept;
    }
  return result;
}
