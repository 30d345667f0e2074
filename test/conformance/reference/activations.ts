// Activation functions and their derivatives in f64, written from their definitions.
import type { Activation } from "../../../src/config/config.js";
import { type Tape, Value } from "./tape.js";

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

/** Φ(x), the normal distribution function: a Taylor series near 0, a continued fraction in the tails (14 digits). */
function normalCdf(x: number): number {
  const density = Math.exp(-0.5 * x * x) / Math.sqrt(2 * Math.PI);
  if (Math.abs(x) < 5) {
    let term = x;
    let sum = x;
    for (let n = 1; n < 100; n++) {
      term *= (x * x) / (2 * n + 1);
      sum += term;
    }
    return 0.5 + density * sum;
  }
  let fraction = Math.abs(x);
  for (let n = 60; n > 0; n--) fraction = Math.abs(x) + n / fraction;
  const tail = density / fraction;
  return x > 0 ? 1 - tail : tail;
}

const tanhGelu = (x: number): number => Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3);

// biome-ignore lint/suspicious/noApproximativeNumericConstant: the public reference has these digits, not √½
const [LAPLACE_MEAN, LAPLACE_SPREAD] = [0.707107, 0.282095];

const FUNCTIONS: Record<Activation, readonly [value: (x: number) => number, slope: (x: number) => number]> = {
  linear: [(x) => x, () => 1],
  relu: [(x) => Math.max(x, 0), (x) => Number(x > 0)],
  relu6: [(x) => Math.min(Math.max(x, 0), 6), (x) => Number(x > 0 && x < 6)],
  relu2: [(x) => Math.max(x, 0) ** 2, (x) => 2 * Math.max(x, 0)],
  gelu: [
    (x) => x * normalCdf(x),
    (x) => normalCdf(x) + (x * Math.exp(-0.5 * x * x)) / Math.sqrt(2 * Math.PI),
  ],
  gelu_new: [
    (x) => 0.5 * x * (1 + Math.tanh(tanhGelu(x))),
    (x) => {
      const t = Math.tanh(tanhGelu(x));
      return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * Math.sqrt(2 / Math.PI) * (1 + 3 * 0.044715 * x * x);
    },
  ],
  quick_gelu: [
    (x) => x * sigmoid(1.702 * x),
    (x) => sigmoid(1.702 * x) * (1 + 1.702 * x * (1 - sigmoid(1.702 * x))),
  ],
  silu: [(x) => x * sigmoid(x), (x) => sigmoid(x) * (1 + x * (1 - sigmoid(x)))],
  mish: [
    (x) => x * Math.tanh(Math.log1p(Math.exp(x))),
    (x) => {
      const t = Math.tanh(Math.log1p(Math.exp(x)));
      return t + x * sigmoid(x) * (1 - t * t);
    },
  ],
  tanh: [Math.tanh, (x) => 1 - Math.tanh(x) ** 2],
  sigmoid: [sigmoid, (x) => sigmoid(x) * (1 - sigmoid(x))],
  gelu_10: [
    (x) => Math.min(x * normalCdf(x), 10),
    (x) => Number(x <= 10) * (normalCdf(x) + (x * Math.exp(-0.5 * x * x)) / Math.sqrt(2 * Math.PI)),
  ],
  leaky_relu: [(x) => Math.max(x, 0.01 * x), (x) => (x > 0 ? 1 : 0.01)],
  hardswish: [
    (x) => (x * Math.min(Math.max(x + 3, 0), 6)) / 6,
    (x) => (Math.abs(x) < 3 ? (2 * x + 3) / 6 : Number(x >= 3)),
  ],
  laplace: [
    (x) => normalCdf((x - LAPLACE_MEAN) / LAPLACE_SPREAD),
    (x) =>
      Math.exp(-0.5 * ((x - LAPLACE_MEAN) / LAPLACE_SPREAD) ** 2) / (LAPLACE_SPREAD * Math.sqrt(2 * Math.PI)),
  ],
  sqrtsoftplus: [
    (x) => Math.sqrt(Math.log1p(Math.exp(x))),
    (x) => sigmoid(x) / (2 * Math.sqrt(Math.log1p(Math.exp(x)))),
  ],
};

/** act(x), element by element. */
export function activate(tape: Tape, x: Value, kind: Activation): Value {
  const [value, slope] = FUNCTIONS[kind];
  const out = new Value(x.data.map(value));
  tape.push(() => {
    x.data.forEach((input, i) => {
      x.grad[i] = (x.grad[i] as number) + (out.grad[i] as number) * slope(input);
    });
  });
  return out;
}
