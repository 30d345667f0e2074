interface Sizes {
  readonly rows: number;
  /** Columns of x. */
  readonly columns: number;
  readonly eps: number;
}

function stats(x: ArrayLike<number>, row: number, { columns, eps }: Sizes): { mean: number; scale: number } {
  let mean = 0;
  for (let i = 0; i < columns; i++) mean += (x[row * columns + i] as number) / columns;
  let variance = 0;
  for (let i = 0; i < columns; i++) variance += ((x[row * columns + i] as number) - mean) ** 2 / columns;
  return { mean, scale: 1 / Math.sqrt(variance + eps) };
}

/** (x - mean)·gamma/√(variance + eps) + beta of every row, in f64. */
export function layerNorm(
  sizes: Sizes,
  x: ArrayLike<number>,
  gamma: ArrayLike<number>,
  beta: ArrayLike<number>,
): Float64Array {
  const { rows, columns } = sizes;
  const out = new Float64Array(rows * columns);
  for (let t = 0; t < rows; t++) {
    const { mean, scale } = stats(x, t, sizes);
    for (let i = 0; i < columns; i++) {
      const normalized = ((x[t * columns + i] as number) - mean) * scale;
      out[t * columns + i] = normalized * (gamma[i] as number) + (beta[i] as number);
    }
  }
  return out;
}

/** Gradients of Σ out·dOut to x, and to gamma and beta by parts of `rowsPerPart` rows, in f64. */
export function layerNormBackward(
  sizes: Sizes & { readonly rowsPerPart: number },
  x: ArrayLike<number>,
  gamma: ArrayLike<number>,
  dOut: ArrayLike<number>,
): { dx: Float64Array; dGammaParts: Float64Array; dBetaParts: Float64Array } {
  const { rows, columns, rowsPerPart } = sizes;
  const parts = Math.ceil(rows / rowsPerPart);
  const dx = new Float64Array(rows * columns);
  const dGammaParts = new Float64Array(parts * columns);
  const dBetaParts = new Float64Array(parts * columns);
  for (let t = 0; t < rows; t++) {
    const { mean, scale } = stats(x, t, sizes);
    const part = Math.floor(t / rowsPerPart);
    let meanG = 0;
    let meanGX = 0;
    for (let i = 0; i < columns; i++) {
      const d = dOut[t * columns + i] as number;
      const normalized = ((x[t * columns + i] as number) - mean) * scale;
      meanG += (d * (gamma[i] as number)) / columns;
      meanGX += (d * (gamma[i] as number) * normalized) / columns;
      dGammaParts[part * columns + i]! += d * normalized;
      dBetaParts[part * columns + i]! += d;
    }
    for (let i = 0; i < columns; i++) {
      const g = (dOut[t * columns + i] as number) * (gamma[i] as number);
      const normalized = ((x[t * columns + i] as number) - mean) * scale;
      dx[t * columns + i] = (g - meanG - normalized * meanGX) * scale;
    }
  }
  return { dx, dGammaParts, dBetaParts };
}
