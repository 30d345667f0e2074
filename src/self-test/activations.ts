// Activation functions in f64, as shaders/shared/activation.wgsl defines them.
import type { Activation } from "../config/fields.js";

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

/** Φ: beyond 8 deviations it is 0 or 1 to 1e-15; else 1/2 + density · (x + x³/3 + x⁵/(3·5) + …). */
function normal(x: number): number {
  if (Math.abs(x) > 8) return x < 0 ? 0 : 1;
  let [term, sum] = [x, 0];
  for (let odd = 3; sum + term !== sum; odd += 2) {
    sum += term;
    term *= (x * x) / odd;
  }
  return 0.5 + (Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI)) * sum;
}

// biome-ignore lint/suspicious/noApproximativeNumericConstant: the public reference has these digits, not √½
const [LAPLACE_MEAN, LAPLACE_SPREAD] = [0.707107, 0.282095];

const FUNCTIONS: Readonly<Record<Activation, (x: number) => number>> = {
  linear: (x) => x,
  relu: (x) => Math.max(x, 0),
  gelu: (x) => x * normal(x),
  gelu_new: (x) => x * sigmoid(2 * Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)),
  quick_gelu: (x) => x * sigmoid(1.702 * x),
  silu: (x) => x * sigmoid(x),
  relu6: (x) => Math.min(Math.max(x, 0), 6),
  relu2: (x) => Math.max(x, 0) ** 2,
  mish: (x) => x * Math.tanh(Math.log1p(Math.exp(x))),
  tanh: Math.tanh,
  sigmoid,
  gelu_10: (x) => Math.min(x * normal(x), 10),
  leaky_relu: (x) => Math.max(x, 0.01 * x),
  hardswish: (x) => (x * Math.min(Math.max(x + 3, 0), 6)) / 6,
  laplace: (x) => normal((x - LAPLACE_MEAN) / LAPLACE_SPREAD),
  sqrtsoftplus: (x) => Math.sqrt(Math.log1p(Math.exp(x))),
};

export const activated = (kind: Activation, x: number): number => FUNCTIONS[kind](x);

/** The derivative by a central difference, to 1e-7 where the function has no corner within 1e-4 of x. */
export function derivative(kind: Activation, x: number): number {
  const h = 2 ** -14;
  return (activated(kind, x + h) - activated(kind, x - h)) / (2 * h);
}
