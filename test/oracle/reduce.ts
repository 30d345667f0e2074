/** Σ_p partials[p, i], in f64. */
export function sumPartials(partials: ArrayLike<number>, parts: number, count: number): Float64Array {
  const out = new Float64Array(count);
  for (let p = 0; p < parts; p++) {
    for (let i = 0; i < count; i++) out[i]! += partials[p * count + i] as number;
  }
  return out;
}

/** Sums of x[rows, columns] over each part of `rowsPerPart` rows: [parts, columns], in f64. */
export function columnSums(
  x: ArrayLike<number>,
  rows: number,
  columns: number,
  rowsPerPart: number,
): Float64Array {
  const partials = new Float64Array(Math.ceil(rows / rowsPerPart) * columns);
  for (let t = 0; t < rows; t++) {
    const part = Math.floor(t / rowsPerPart);
    for (let i = 0; i < columns; i++) partials[part * columns + i]! += x[t * columns + i] as number;
  }
  return partials;
}
