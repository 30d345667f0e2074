export interface JoinSizes {
  readonly batch: number;
  readonly size: number;
  readonly length: number;
  readonly sourceLength: number;
  readonly targetLength: number;
}

/** joined[batch, length, size]: the first tokens of a source, its target, zeros. */
export function join(
  { batch, size, length, sourceLength, targetLength }: JoinSizes,
  sources: ArrayLike<number>,
  source: ArrayLike<number>,
  targets: ArrayLike<number>,
): Float64Array {
  const joined = new Float64Array(batch * length * size);
  for (let b = 0; b < batch; b++) {
    for (let t = 0; t < length; t++) {
      const j = t - sources[b]!;
      for (let e = 0; e < size; e++) {
        let value = 0;
        if (j < 0) value = source[(b * sourceLength + t) * size + e]!;
        else if (j < targetLength) value = targets[(b * targetLength + j) * size + e]!;
        joined[(b * length + t) * size + e] = value;
      }
    }
  }
  return joined;
}

/** Gradients of both parts, from the sum of both streams' gradients; 0 where a token has no place in the joined sequence. */
export function split(
  { batch, size, length, sourceLength, targetLength }: JoinSizes,
  sources: ArrayLike<number>,
  dx: ArrayLike<number>,
): { source: Float64Array; targets: Float64Array } {
  const source = new Float64Array(batch * sourceLength * size);
  const targets = new Float64Array(batch * targetLength * size);
  for (let b = 0; b < batch; b++) {
    for (let t = 0; t < length; t++) {
      const j = t - sources[b]!;
      for (let e = 0; e < size; e++) {
        const value = dx[(b * length + t) * size + e]!;
        if (j < 0) source[(b * sourceLength + t) * size + e] = value;
        else if (j < targetLength) targets[(b * targetLength + j) * size + e] = value;
      }
    }
  }
  return { source, targets };
}
