import type { PositionEmbeddingBackwardDims } from "../../src/kernels/position-embedding-backward.js";
import { type Factor, positionFactor, positionOf } from "./embedding.js";

/** dPositions[row of p in the table, c] += dStream[t, first column + c]·v, into a copy of `dPositions`. */
export function positionEmbeddingBackward(
  dims: PositionEmbeddingBackwardDims,
  dStream: ArrayLike<number>,
  dPositions: ArrayLike<number>,
  positionMask: Factor = () => 1,
): number[] {
  const { tokens, rowOffset, size, axis, positionShape, positionSizes } = dims;
  const firstColumn = axis === 0 ? 0 : positionSizes[0];
  const width = positionSizes[axis];
  const result = Array.from(dPositions);
  for (let t = 0; t < tokens; t++)
    for (let c = 0; c < width; c++) {
      const token = rowOffset + t;
      const p = positionOf(dims, token);
      const row = axis === 0 ? Math.floor(p / positionShape[1]) : p % positionShape[1];
      const column = firstColumn + c;
      const kept = positionFactor(dims, positionMask, token, column);
      result[row * width + c]! += dStream[t * size + column]! * kept;
    }
  return result;
}
