import type { EmbeddingBackwardDims } from "../../src/kernels/embedding-backward.js";

/** dWord[ids[t],c] += dStream[t,c]·w(rowOffset + t, c), into a copy of `dWord`. */
export function embeddingBackward(
  dims: EmbeddingBackwardDims,
  ids: ArrayLike<number>,
  dWord: ArrayLike<number>,
  dStream: ArrayLike<number>,
  wordMask: (row: number, column: number) => number = () => 1,
): number[] {
  const { tokens, rowOffset, size } = dims;
  const result = Array.from(dWord);
  for (let t = 0; t < tokens; t++)
    for (let c = 0; c < size; c++)
      result[ids[t]! * size + c]! += dStream[t * size + c]! * wordMask(rowOffset + t, c);
  return result;
}
