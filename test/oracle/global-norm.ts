// Norm over several gradient buffers and the clip factor, in f64. Frozen blocks of 64 do not count.

export function globalNorm(
  buffers: readonly { gradients: ArrayLike<number>; blockFlags: ArrayLike<number> }[],
  maxNorm: number,
): { norm: number; clip: number } {
  let sum = 0;
  for (const { gradients, blockFlags } of buffers) {
    for (let i = 0; i < gradients.length; i++) {
      if (blockFlags[Math.floor(i / 64)]! & 2) sum += gradients[i]! ** 2;
    }
  }
  const norm = Math.sqrt(sum);
  return { norm, clip: maxNorm > 0 ? Math.min(1, maxNorm / (norm + 1e-6)) : 1 };
}
