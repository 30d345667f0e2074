/** The first `count` elements of every row of x[rows, columns]. */
export function take(x: ArrayLike<number>, rows: number, columns: number, count: number): number[] {
  const starts: number[] = [];
  for (let r = 0; r < rows; r++) {
    for (let j = 0; j < count; j++) starts.push(x[r * columns + j]!);
  }
  return starts;
}

/** [rows, columns] of zeros but for the first `count` elements of every row. */
export function put(starts: ArrayLike<number>, rows: number, columns: number, count: number): number[] {
  const x = new Array<number>(rows * columns).fill(0);
  for (let r = 0; r < rows; r++) {
    for (let j = 0; j < count; j++) x[r * columns + j] = starts[r * count + j]!;
  }
  return x;
}
