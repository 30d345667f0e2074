// Cross-entropy with label smoothing in f64, straight from the definition.

/** Loss in nats and unscaled gradient of one row; both zero where the target is ignored. */
export function crossEntropyRow(
  logits: ArrayLike<number>,
  target: number,
  labelSmoothing: number,
): { loss: number; gradient: Float64Array } {
  const vocab = logits.length;
  const gradient = new Float64Array(vocab);
  if (target < 0 || target >= vocab) return { loss: 0, gradient };
  let top = -Infinity;
  for (let j = 0; j < vocab; j++) top = Math.max(top, logits[j]!);
  let sum = 0;
  for (let j = 0; j < vocab; j++) sum += Math.exp(logits[j]! - top);
  const logSum = top + Math.log(sum);
  let loss = 0;
  for (let j = 0; j < vocab; j++) {
    const wanted = labelSmoothing / vocab + (j === target ? 1 - labelSmoothing : 0);
    loss += wanted * (logSum - logits[j]!);
    gradient[j] = Math.exp(logits[j]! - logSum) - wanted;
  }
  return { loss, gradient };
}

/** Losses [rows] and gradients [rows, vocab], scaled. */
export function crossEntropy(
  logits: ArrayLike<number>,
  targets: ArrayLike<number>,
  labelSmoothing: number,
  lossScale: number,
): { losses: Float64Array; gradients: Float64Array } {
  const rows = targets.length;
  const vocab = logits.length / rows;
  const losses = new Float64Array(rows);
  const gradients = new Float64Array(logits.length);
  for (let r = 0; r < rows; r++) {
    const row = Float64Array.from({ length: vocab }, (_, j) => logits[r * vocab + j]!);
    const { loss, gradient } = crossEntropyRow(row, targets[r]!, labelSmoothing);
    losses[r] = loss;
    for (let j = 0; j < vocab; j++) gradients[r * vocab + j] = lossScale * gradient[j]!;
  }
  return { losses, gradients };
}

/** 1 where the first of the largest logits is the target's. */
export function correctPredictions(logits: ArrayLike<number>, targets: ArrayLike<number>): Float64Array {
  const rows = targets.length;
  const vocab = logits.length / rows;
  const correct = new Float64Array(rows);
  for (let r = 0; r < rows; r++) {
    let best = 0;
    for (let j = 1; j < vocab; j++) if (logits[r * vocab + j]! > logits[r * vocab + best]!) best = j;
    correct[r] = best === targets[r] ? 1 : 0;
  }
  return correct;
}
