/** Per token: (m, 1/l, dOut·out, factor that makes it a key, 0 where it may not be seen). */
export function attentionDelta(
  dims: {
    readonly batch: number;
    readonly heads: number;
    readonly length: number;
    readonly headSize: number;
    readonly shared: boolean;
    readonly masked: boolean;
  },
  arrays: {
    readonly q?: ArrayLike<number>;
    readonly keyMask?: ArrayLike<number>;
    readonly out: ArrayLike<number>;
    readonly stats: ArrayLike<number>;
    readonly dOut: ArrayLike<number>;
  },
): Float64Array {
  const { batch, heads, length, headSize, shared, masked } = dims;
  const rows = new Float64Array(batch * heads * length * 4);
  for (let b = 0; b < batch; b++) {
    for (let h = 0; h < heads; h++) {
      for (let t = 0; t < length; t++) {
        const at = (b * heads + h) * length + t;
        let delta = 0;
        let squares = 0;
        for (let i = at * headSize; i < (at + 1) * headSize; i++) {
          delta += (arrays.dOut[i] as number) * (arrays.out[i] as number);
          if (shared) squares += (arrays.q?.[i] as number) ** 2;
        }
        const norm = shared ? Math.sqrt(squares / headSize + 1e-6) : 1;
        const kept = !masked || arrays.keyMask?.[b * length + t] === 1;
        rows[4 * at] = arrays.stats[2 * at] as number;
        rows[4 * at + 1] = 1 / (arrays.stats[2 * at + 1] as number);
        rows[4 * at + 2] = delta;
        rows[4 * at + 3] = kept ? 1 / norm / Math.sqrt(headSize) : 0;
      }
    }
  }
  return rows;
}
