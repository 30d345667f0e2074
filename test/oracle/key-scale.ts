/** Factor that makes each token's vector a key: 1/√D, or 1/(rms·√D) of shared keys; 0 where it may not be seen. */
export function keyScale(
  dims: {
    readonly batch: number;
    readonly heads: number;
    readonly length: number;
    readonly headSize: number;
    readonly shared: boolean;
    readonly masked: boolean;
  },
  arrays: { readonly k?: ArrayLike<number>; readonly keyMask?: ArrayLike<number> },
): Float64Array {
  const { batch, heads, length, headSize, shared, masked } = dims;
  const scale = new Float64Array(batch * heads * length);
  for (let b = 0; b < batch; b++) {
    for (let h = 0; h < heads; h++) {
      for (let t = 0; t < length; t++) {
        const at = (b * heads + h) * length + t;
        let squares = 0;
        for (let i = at * headSize; shared && i < (at + 1) * headSize; i++)
          squares += (arrays.k?.[i] as number) ** 2;
        const norm = shared ? Math.sqrt(squares / headSize + 1e-6) : 1;
        scale[at] = masked && arrays.keyMask?.[b * length + t] !== 1 ? 0 : 1 / norm / Math.sqrt(headSize);
      }
    }
  }
  return scale;
}
