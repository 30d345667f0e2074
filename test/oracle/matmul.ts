import type { MatmulDims } from "../../src/kernels/matmul.js";
import { activate, activationDerivative } from "./activation.js";

interface Values {
  readonly a: ArrayLike<number>;
  readonly b: ArrayLike<number>;
  readonly bias?: ArrayLike<number> | undefined;
  /** 0/1 mask of all tokens, whatever the kernel's dropout mode draws it from. */
  readonly keep?: ArrayLike<number> | undefined;
  /** What went into dropout and activation, for their gradient. */
  readonly before?: ArrayLike<number> | undefined;
  /** Content before an adding store; a residual stream as numbers. */
  readonly out: ArrayLike<number>;
}

/** The tensor `out` after the product, in f64. */
export function matmul(d: MatmulDims, { a, b, bias, keep, before, out }: Values): Float64Array {
  /** Index of (row, column) of a stored matrix, or of columns of one that is wider. */
  const at = (row: number, column: number, columns: number, inHeads: boolean, wide = false) => {
    if (wide) return row * d.width + d.firstColumn + column;
    if (!inHeads) return row * columns + column;
    const token = d.rowOffset + row;
    const sequence = Math.floor(token / d.length);
    const head = Math.floor(column / d.headSize);
    return ((sequence * d.heads + head) * d.length + (token % d.length)) * d.headSize + (column % d.headSize);
  };
  const wideB = d.columnsOf === "b";
  const A = (i: number, k: number) =>
    (d.transposeA ? a[at(k, i, d.m, d.aHeads)] : a[at(i, k, d.k, d.aHeads)]) as number;
  const B = (k: number, j: number) =>
    (d.transposeB ? b[at(j, k, d.k, d.bHeads, wideB)] : b[at(k, j, d.n, d.bHeads, wideB)]) as number;

  const result = Float64Array.from(out);
  for (let i = 0; i < d.m; i++) {
    for (let j = 0; j < d.n; j++) {
      let sum = 0;
      for (let k = 0; k < d.k; k++) sum += A(i, k) * B(k, j);
      if (bias) sum += bias[j] as number;
      const factor = keep ? (keep[(d.rowOffset + i) * d.n + j] as number) / (1 - d.dropoutRate) : 1;
      const value = d.gradient
        ? sum * factor * activationDerivative(d.activation, (before?.[i * d.n + j] as number) * factor)
        : activate(d.activation, sum * factor);
      const to = at(i, j, d.n, d.cHeads, d.columnsOf === "c");
      const old = out[to] as number;
      if (d.store === "set") result[to] = value;
      else result[to] = d.store === "residualSub" ? old - value : old + value;
    }
  }
  return result;
}
