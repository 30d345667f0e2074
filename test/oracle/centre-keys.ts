import type { CentreKeysDims } from "../../src/kernels/centre-keys.js";

/** Unit keys minus means, and what every row leaves for the tokens that follow. */
export interface Centred {
  readonly centred: number[];
  /** [batch, heads, headSize + 1]: sum and count. */
  readonly totals: number[];
}

/** u[t] - mean of u[s], u = scale·qk, over the real tokens s < t (causal) or all of them; `before` counts with them. */
export function centreKeys(
  dims: CentreKeysDims,
  qk: ArrayLike<number>,
  scale: ArrayLike<number>,
  keyMask?: ArrayLike<number>,
  before?: ArrayLike<number>,
): Centred {
  const { batch, heads, length, headSize, causal } = dims;
  const centred: number[] = [];
  const totals: number[] = [];
  for (let row = 0; row < batch * heads; row++) {
    const unit = (t: number, d: number) => scale[row * length + t]! * qk[(row * length + t) * headSize + d]!;
    const real = (t: number) => keyMask?.[Math.floor(row / heads) * length + t] !== 0;
    const start = (d: number) => before?.[row * (headSize + 1) + d] ?? 0;
    const sums = (end: number, d: number) => {
      let sum = start(d);
      for (let s = 0; s < end; s++) if (real(s)) sum += d === headSize ? 1 : unit(s, d);
      return sum;
    };
    for (let t = 0; t < length; t++) {
      const end = causal ? t : length;
      for (let d = 0; d < headSize; d++) {
        centred.push(unit(t, d) - sums(end, d) / Math.max(sums(end, headSize), 1));
      }
    }
    for (let d = 0; d <= headSize; d++) totals.push(sums(length, d));
  }
  return { centred, totals };
}
