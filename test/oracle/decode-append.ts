import type { DecodeAppendDims } from "../../src/kernels/decode-append.js";

/** The cache after tokens first, first + 1, … of every row have become those of `rows`. */
export function decodeAppend(
  { rows: count, length, capacity, width }: DecodeAppendDims,
  first: number,
  rows: ArrayLike<number>,
  cache: ArrayLike<number>,
): number[] {
  const out = Array.from(cache);
  for (let r = 0; r < count; r++)
    for (let t = 0; t < length && first + t < capacity; t++)
      for (let i = 0; i < width; i++)
        out[(r * capacity + first + t) * width + i] = rows[(r * length + t) * width + i]!;
  return out;
}
