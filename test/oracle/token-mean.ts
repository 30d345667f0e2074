/** [batch, length]: what every token counts in the mean of its sequence; a sequence without tokens counts nothing. */
export function shares(mask: ArrayLike<number>, batch: number, length: number): number[] {
  return Array.from({ length: batch * length }, (_, i) => {
    const first = i - (i % length);
    let tokens = 0;
    for (let t = 0; t < length; t++) tokens += mask[first + t]!;
    return tokens === 0 ? 0 : mask[i]! / tokens;
  });
}

/** [batch, columns]: Σ_t shares[b,t] · x[b,t,c]. */
export function pool(
  share: ArrayLike<number>,
  x: ArrayLike<number>,
  batch: number,
  columns: number,
): number[] {
  const length = share.length / batch;
  const means = new Array<number>(batch * columns).fill(0);
  for (let row = 0; row < share.length; row++) {
    for (let c = 0; c < columns; c++) {
      means[Math.floor(row / length) * columns + c]! += share[row]! * x[row * columns + c]!;
    }
  }
  return means;
}

/** [batch·length, columns]: the gradient of x in `pool`. */
export function spread(share: ArrayLike<number>, dMeans: ArrayLike<number>, batch: number): number[] {
  const length = share.length / batch;
  const columns = dMeans.length / batch;
  return Array.from({ length: share.length * columns }, (_, i) => {
    const row = Math.floor(i / columns);
    return share[row]! * dMeans[Math.floor(row / length) * columns + (i % columns)]!;
  });
}
