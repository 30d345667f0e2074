/** Gradients of attention over chunks for a gradient of its output: the softmax's chain rule, pair by pair. */
import {
  type AttentionArrays,
  type AttentionCase,
  attentionPairs,
  dot,
  keyVector,
  vectorOf,
} from "./chunk-attention.js";

export interface AttentionGradients {
  /** [batch, heads, length, headSize]; of shared queries and keys, both roles. */
  readonly dq: Float64Array;
  /** Unless shared. */
  readonly dk?: Float64Array;
  readonly dv: Float64Array;
}

export function chunkAttentionBackward(
  a: AttentionCase,
  arrays: AttentionArrays,
  dOut: ArrayLike<number>,
): AttentionGradients {
  const size = a.batch * a.heads * a.length * a.headSize;
  const [dq, dKey, dv] = [new Float64Array(size), new Float64Array(size), new Float64Array(size)];
  const add = (to: Float64Array, token: number, factor: number, vector: readonly number[]) => {
    for (let i = 0; i < a.headSize; i++) to[token * a.headSize + i]! += factor * (vector[i] as number);
  };
  const { pairs } = attentionPairs(a, arrays);
  pairs.forEach((met, at) => {
    const row = Math.floor(at / a.length);
    const d = vectorOf(dOut, a, row, at % a.length);
    const dWeights = met.map(({ key, factor }) => factor * dot(d, vectorOf(arrays.v, a, row, key)));
    const mean = met.reduce((sum, { weight }, j) => sum + weight * (dWeights[j] as number), 0);
    met.forEach(({ query, key, weight, factor, live }, j) => {
      add(dv, row * a.length + key, weight * factor, d);
      if (!live) return;
      const dScore = weight * ((dWeights[j] as number) - mean);
      add(dq, at, dScore, keyVector(a, arrays, row, key));
      add(dKey, row * a.length + key, dScore, vectorOf(arrays.q, a, row, query));
    });
  });
  const dk = new Float64Array(size);
  for (let at = 0; at < a.batch * a.heads * a.length; at++) {
    const row = Math.floor(at / a.length);
    add(dk, at, 1, throughScaling(a, arrays, row, at % a.length, vectorOf(dKey, a, row, at % a.length)));
  }
  if (!a.shared) return { dq, dk, dv };
  return { dq: dq.map((x, i) => x + (dk[i] as number)), dv };
}

/** Gradient of an unscaled key, given that of the scaled one. */
function throughScaling(
  a: AttentionCase,
  arrays: AttentionArrays,
  row: number,
  token: number,
  dKey: readonly number[],
): number[] {
  const root = Math.sqrt(a.headSize);
  if (!a.shared) return dKey.map((x) => x / root);
  // y = x / (n·√D), n² = mean(x²) + ε:   dx = (dy − x·(x·dy) / (D·n²)) / (n·√D)
  const x = vectorOf(arrays.q, a, row, token);
  const n2 = dot(x, x) / a.headSize + 1e-6;
  const along = dot(x, dKey) / (a.headSize * n2);
  return dKey.map((dy, i) => (dy - (x[i] as number) * along) / Math.sqrt(n2) / root);
}
