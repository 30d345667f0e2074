/** [batch, columns]: the largest of every column over the real tokens, and the first row that has it; −1 for none. */
export function pool(
  mask: ArrayLike<number>,
  x: ArrayLike<number>,
  batch: number,
  columns: number,
): { readonly maxima: number[]; readonly places: number[] } {
  const length = mask.length / batch;
  const maxima = new Array<number>(batch * columns).fill(-Infinity);
  const places = new Array<number>(batch * columns).fill(-1);
  for (let row = 0; row < mask.length; row++) {
    if (mask[row] === 0) continue;
    for (let c = 0; c < columns; c++) {
      const at = Math.floor(row / length) * columns + c;
      if (x[row * columns + c]! <= maxima[at]!) continue;
      maxima[at] = x[row * columns + c]!;
      places[at] = row;
    }
  }
  return { maxima, places };
}

/** [rows, columns]: the gradient of x in `pool`. */
export function spread(
  places: ArrayLike<number>,
  dMaxima: ArrayLike<number>,
  rows: number,
  columns: number,
): number[] {
  const dx = new Array<number>(rows * columns).fill(0);
  Array.from(places).forEach((row, at) => {
    if (row >= 0) dx[row * columns + (at % columns)] = dMaxima[at]!;
  });
  return dx;
}
