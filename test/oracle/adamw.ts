// One AdamW step of one parameter in f64, in the order of torch's single-tensor version.

export interface AdamwStep {
  readonly learningRate: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly eps: number;
  readonly weightDecay: number;
  /** Counted from 1. */
  readonly step: number;
}

export function adamw(
  { p, g, m, v }: { p: number; g: number; m: number; v: number },
  { learningRate, beta1, beta2, eps, weightDecay, step }: AdamwStep,
): { p: number; m: number; v: number; denominator: number } {
  const decayed = p * (1 - learningRate * weightDecay);
  const mean = beta1 * m + (1 - beta1) * g;
  const square = beta2 * v + (1 - beta2) * g * g;
  const denominator = Math.sqrt(square) / Math.sqrt(1 - beta2 ** step) + eps;
  const stepSize = learningRate / (1 - beta1 ** step);
  return { p: decayed - (stepSize * mean) / denominator, m: mean, v: square, denominator };
}
