import type { Activation } from "../../src/config/fields.js";

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

/** Normal distribution function by the series 1/2 + φ(x)·(x + x³/3 + x⁵/15 + …), absolute error below 1e-15. */
export function normalCdf(x: number): number {
  if (Math.abs(x) > 9) return x < 0 ? 0 : 1;
  let term = x;
  let sum = 0;
  for (let i = 1; Math.abs(term) > 1e-18 * Math.abs(sum); i++) {
    sum += term;
    term *= (x * x) / (2 * i + 1);
  }
  return 0.5 + (sum * Math.exp((-x * x) / 2)) / Math.sqrt(2 * Math.PI);
}

// biome-ignore lint/suspicious/noApproximativeNumericConstant: the public reference has these digits, not √½
const [LAPLACE_MEAN, LAPLACE_SPREAD] = [0.707107, 0.282095];

const FUNCTIONS: Record<Activation, (x: number) => number> = {
  linear: (x) => x,
  relu: (x) => Math.max(x, 0),
  gelu: (x) => x * normalCdf(x),
  gelu_new: (x) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))),
  quick_gelu: (x) => x * sigmoid(1.702 * x),
  silu: (x) => x * sigmoid(x),
  relu6: (x) => Math.min(Math.max(x, 0), 6),
  relu2: (x) => Math.max(x, 0) ** 2,
  mish: (x) => x * Math.tanh(Math.log1p(Math.exp(x))),
  tanh: (x) => Math.tanh(x),
  sigmoid,
  gelu_10: (x) => Math.min(x * normalCdf(x), 10),
  leaky_relu: (x) => (x > 0 ? x : 0.01 * x),
  hardswish: (x) => (x * Math.min(Math.max(x + 3, 0), 6)) / 6,
  laplace: (x) => normalCdf((x - LAPLACE_MEAN) / LAPLACE_SPREAD),
  sqrtsoftplus: (x) => Math.sqrt(Math.log1p(Math.exp(x))),
};

/** f(x) of one number. */
export function activate(kind: Activation, x: number): number {
  return FUNCTIONS[kind](x);
}

const DERIVATIVES: Record<Activation, (x: number) => number> = {
  linear: () => 1,
  relu: (x) => Number(x > 0),
  gelu: (x) => normalCdf(x) + (x * Math.exp((-x * x) / 2)) / Math.sqrt(2 * Math.PI),
  gelu_new: (x) => {
    const t = Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3));
    return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * Math.sqrt(2 / Math.PI) * (1 + 3 * 0.044715 * x * x);
  },
  quick_gelu: (x) => sigmoid(1.702 * x) + 1.702 * x * sigmoid(1.702 * x) * sigmoid(-1.702 * x),
  silu: (x) => sigmoid(x) + x * sigmoid(x) * sigmoid(-x),
  relu6: (x) => Number(x > 0 && x < 6),
  relu2: (x) => 2 * Math.max(x, 0),
  mish: (x) => {
    const t = Math.tanh(Math.log1p(Math.exp(x)));
    return t + x * sigmoid(x) * (1 - t * t);
  },
  tanh: (x) => 1 - Math.tanh(x) ** 2,
  sigmoid: (x) => sigmoid(x) * sigmoid(-x),
  gelu_10: (x) => (x <= 10 ? DERIVATIVES.gelu(x) : 0),
  leaky_relu: (x) => (x > 0 ? 1 : 0.01),
  hardswish: (x) => (Math.abs(x) < 3 ? x / 3 + 0.5 : Number(x > 0)),
  laplace: (x) => {
    const z = (x - LAPLACE_MEAN) / LAPLACE_SPREAD;
    return Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI) / LAPLACE_SPREAD;
  },
  sqrtsoftplus: (x) => sigmoid(x) / (2 * FUNCTIONS.sqrtsoftplus(x)),
};

/** f'(x) of one number; at a corner the smaller of its two sides', but for gelu_10 the larger. */
export function activationDerivative(kind: Activation, x: number): number {
  return DERIVATIVES[kind](x);
}
