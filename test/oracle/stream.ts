/** Nearest whole number, ties to even. */
function roundHalfEven(x: number): number {
  const down = Math.floor(x);
  if (x - down !== 0.5) return Math.round(x);
  return down % 2 === 0 ? down : down + 1;
}

/** Fixed-point words of numbers: 16 fractional bits. */
export function streamFromF32(x: ArrayLike<number>): Int32Array {
  return Int32Array.from(x, (v) => roundHalfEven(v * 65_536));
}

/** Numbers of fixed-point words. */
export function streamToF32(words: ArrayLike<number>): Float64Array {
  return Float64Array.from(words, (word) => word / 65_536);
}

/** mask·x/(1 - rate), with a 0/1 mask. */
export function dropoutMask(x: ArrayLike<number>, keep: ArrayLike<number>, rate: number): Float64Array {
  return Float64Array.from(x, (v, i) => (v * (keep[i] as number)) / (1 - rate));
}

/** Fixed-point words of half the sum of two streams of fixed-point words. */
export function averageStreams(words: ArrayLike<number>, others: ArrayLike<number>): Int32Array {
  return Int32Array.from(words, (word, i) => roundHalfEven((word + others[i]!) / 2));
}
