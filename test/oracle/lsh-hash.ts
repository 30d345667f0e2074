import type { LshHashDims } from "../../src/kernels/lsh-hash.js";

/** Buckets, and for every one how far the deciding projection led the runner-up and the size of its summed terms. */
export interface Hashed {
  readonly buckets: number[];
  /** Smallest lead over the factors: first minus second of [y; -y]. */
  readonly margins: number[];
  /** Σ_j |q_j · rotation_j|, the largest over the columns. */
  readonly magnitudes: number[];
}

/** bucket[b,h,r,t] = Σ_f argmax([q·Rot_f; -q·Rot_f]) · (product of earlier factors); masked tokens get the product. */
export function lshHash(
  dims: LshHashDims,
  qk: ArrayLike<number>,
  rotations: ArrayLike<number>,
  keyMask?: ArrayLike<number>,
): Hashed {
  const { batch, heads, length, headSize, rounds, factors } = dims;
  const columns = factors.reduce((sum, factor) => sum + factor / 2, 0);
  const result: Hashed = { buckets: [], margins: [], magnitudes: [] };
  for (let b = 0; b < batch; b++)
    for (let h = 0; h < heads; h++)
      for (let r = 0; r < rounds; r++)
        for (let t = 0; t < length; t++) {
          let bucket = 0;
          let product = 1;
          let column = 0;
          let margin = Number.POSITIVE_INFINITY;
          let magnitude = 0;
          for (const factor of factors) {
            const y: number[] = [];
            for (let c = column; c < column + factor / 2; c++) {
              let dot = 0;
              let size = 0;
              for (let j = 0; j < headSize; j++) {
                const term =
                  qk[((b * heads + h) * length + t) * headSize + j]! *
                  rotations[((h * headSize + j) * rounds + r) * columns + c]!;
                dot += term;
                size += Math.abs(term);
              }
              y.push(dot);
              magnitude = Math.max(magnitude, size);
            }
            const scores = [...y, ...y.map((value) => -value)];
            const best = scores.indexOf(Math.max(...scores));
            const others = scores.filter((_, i) => i !== best);
            margin = Math.min(margin, scores[best]! - Math.max(...others));
            bucket += product * best;
            product *= factor;
            column += factor / 2;
          }
          if (keyMask && keyMask[b * length + t] === 0) {
            bucket = product;
            margin = Number.POSITIVE_INFINITY;
          }
          result.buckets.push(bucket);
          result.margins.push(margin);
          result.magnitudes.push(magnitude);
        }
  return result;
}
