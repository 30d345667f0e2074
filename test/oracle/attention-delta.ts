/** Per token: (m, 1/l, dOut·out, factor that makes it a key). */
export function attentionDelta(
  dims: {
    readonly batch: number;
    readonly heads: number;
    readonly length: number;
    readonly headSize: number;
  },
  arrays: {
    readonly scale: ArrayLike<number>;
    readonly out: ArrayLike<number>;
    readonly stats: ArrayLike<number>;
    readonly dOut: ArrayLike<number>;
  },
): Float64Array {
  const rows = new Float64Array(dims.batch * dims.heads * dims.length * 4);
  for (let row = 0; row < dims.batch * dims.heads * dims.length; row++) {
    let delta = 0;
    for (let i = row * dims.headSize; i < (row + 1) * dims.headSize; i++) {
      delta += (arrays.dOut[i] as number) * (arrays.out[i] as number);
    }
    rows.set(
      [
        arrays.stats[2 * row] as number,
        1 / (arrays.stats[2 * row + 1] as number),
        delta,
        arrays.scale[row] as number,
      ],
      4 * row,
    );
  }
  return rows;
}
