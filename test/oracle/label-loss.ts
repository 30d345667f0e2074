// Losses against numbers in f64, straight from their definitions.

/** Loss of one logit against one number. */
export function loss(kind: "multi-label" | "regression", z: number, y: number): number {
  if (kind === "regression") return (z - y) ** 2;
  const p = 1 / (1 + Math.exp(-z)); // the logits of tests keep both logarithms away from 0
  return -(y * Math.log(p) + (1 - y) * Math.log1p(-p));
}

export function slope(kind: "multi-label" | "regression", z: number, y: number): number {
  return kind === "regression" ? 2 * (z - y) : 1 / (1 + Math.exp(-z)) - y;
}

/** Mean loss of every row, and gradients scaled by lossScale / columns. */
export function labelLoss(
  kind: "multi-label" | "regression",
  logits: ArrayLike<number>,
  targets: ArrayLike<number>,
  columns: number,
  lossScale: number,
): { losses: Float64Array; gradients: Float64Array } {
  const losses = new Float64Array(logits.length / columns);
  const gradients = new Float64Array(logits.length);
  for (let i = 0; i < logits.length; i++) {
    losses[Math.floor(i / columns)]! += loss(kind, logits[i]!, targets[i]!) / columns;
    gradients[i] = (lossScale / columns) * slope(kind, logits[i]!, targets[i]!);
  }
  return { losses, gradients };
}

export function weigh(values: ArrayLike<number>, weights: ArrayLike<number>): Float64Array {
  const columns = values.length / weights.length;
  return Float64Array.from(values, (value, i) => value * weights[Math.floor(i / columns)]!);
}
