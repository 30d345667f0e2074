// Reverse-mode differentiation in f64 on flat row-major arrays: each function computes its result at once and leaves on
// the tape how gradients flow back. Written from the formulas, sharing nothing with src/.

export type Numbers = ArrayLike<number>;

/** An array and the gradient of the final scalar with respect to it. */
export class Value {
  readonly data: Float64Array;
  readonly grad: Float64Array;
  constructor(data: Numbers) {
    this.data = Float64Array.from(data);
    this.grad = new Float64Array(data.length);
  }
}

/** Backward steps in the order of the forward ones. */
export class Tape {
  readonly #steps: (() => void)[] = [];

  push(step: () => void): void {
    this.#steps.push(step);
  }

  /** Runs all steps from the last to the first. Set the gradients of the results before. */
  backward(): void {
    for (const step of this.#steps.reverse()) step();
  }
}

const at = (values: Numbers, index: number): number => values[index] as number;

/** a + b + fixed. */
export function add(tape: Tape, a: Value, b: Value, fixed?: Numbers): Value {
  const out = new Value(a.data.map((x, i) => x + at(b.data, i) + (fixed ? at(fixed, i) : 0)));
  tape.push(() => {
    out.grad.forEach((g, i) => {
      a.grad[i] = at(a.grad, i) + g;
      b.grad[i] = at(b.grad, i) + g;
    });
  });
  return out;
}

/** x · factor, element by element; factor is constant. */
export function scale(tape: Tape, x: Value, factor: Numbers): Value {
  const out = new Value(x.data.map((value, i) => value * at(factor, i)));
  tape.push(() => {
    out.grad.forEach((g, i) => {
      x.grad[i] = at(x.grad, i) + g * at(factor, i);
    });
  });
  return out;
}

/** x[rows, k] · weight[m, k]ᵀ (+ bias[m]). */
export function linear(tape: Tape, x: Value, weight: Value, k: number, bias?: Value): Value {
  const rows = x.data.length / k;
  const m = weight.data.length / k;
  const out = new Value(new Float64Array(rows * m));
  for (let r = 0; r < rows; r++) {
    for (let i = 0; i < m; i++) {
      let sum = bias ? at(bias.data, i) : 0;
      for (let j = 0; j < k; j++) sum += at(x.data, r * k + j) * at(weight.data, i * k + j);
      out.data[r * m + i] = sum;
    }
  }
  tape.push(() => {
    for (let r = 0; r < rows; r++) {
      for (let i = 0; i < m; i++) {
        const g = at(out.grad, r * m + i);
        if (bias) bias.grad[i] = at(bias.grad, i) + g;
        for (let j = 0; j < k; j++) {
          x.grad[r * k + j] = at(x.grad, r * k + j) + g * at(weight.data, i * k + j);
          weight.grad[i * k + j] = at(weight.grad, i * k + j) + g * at(x.data, r * k + j);
        }
      }
    }
  });
  return out;
}

/** (x − mean) / √(variance + eps) · gamma + beta over rows of `size`; biased variance. */
export function layerNorm(tape: Tape, x: Value, gamma: Value, beta: Value, eps: number): Value {
  const size = gamma.data.length;
  const rows = x.data.length / size;
  const out = new Value(new Float64Array(x.data.length));
  const normed = new Float64Array(x.data.length);
  const inverse = new Float64Array(rows);
  for (let r = 0; r < rows; r++) {
    const row = x.data.subarray(r * size, (r + 1) * size);
    const mean = row.reduce((sum, value) => sum + value, 0) / size;
    const variance = row.reduce((sum, value) => sum + (value - mean) ** 2, 0) / size;
    inverse[r] = 1 / Math.sqrt(variance + eps);
    row.forEach((value, i) => {
      normed[r * size + i] = (value - mean) * at(inverse, r);
      out.data[r * size + i] = at(normed, r * size + i) * at(gamma.data, i) + at(beta.data, i);
    });
  }
  tape.push(() => {
    for (let r = 0; r < rows; r++) {
      let sum = 0;
      let product = 0;
      for (let i = 0; i < size; i++) {
        const g = at(out.grad, r * size + i);
        const n = at(normed, r * size + i);
        gamma.grad[i] = at(gamma.grad, i) + g * n;
        beta.grad[i] = at(beta.grad, i) + g;
        sum += g * at(gamma.data, i);
        product += g * at(gamma.data, i) * n;
      }
      for (let i = 0; i < size; i++) {
        const g = at(out.grad, r * size + i) * at(gamma.data, i);
        const through = at(inverse, r) * (g - sum / size - (at(normed, r * size + i) * product) / size);
        x.grad[r * size + i] = at(x.grad, r * size + i) + through;
      }
    }
  });
  return out;
}

/** Rows of a table [·, size], one for each id. */
export function gather(tape: Tape, table: Value, ids: Numbers, size: number): Value {
  const out = new Value(new Float64Array(ids.length * size));
  const each = (visit: (to: number, from: number) => void) => {
    for (let t = 0; t < ids.length; t++) {
      for (let i = 0; i < size; i++) visit(t * size + i, at(ids, t) * size + i);
    }
  };
  each((to, from) => {
    out.data[to] = at(table.data, from);
  });
  tape.push(() => {
    each((to, from) => {
      table.grad[from] = at(table.grad, from) + at(out.grad, to);
    });
  });
  return out;
}

/**
 * Mean cross-entropy, nats, of logits[rows, vocab] against targets[rows]; targets below 0 do not count.
 * Sets the gradient of the logits to that of the mean.
 */
export function crossEntropy(logits: Value, targets: Numbers, vocab: number): number {
  const counted = Array.from(targets).filter((target) => target >= 0).length;
  let loss = 0;
  for (let r = 0; r < targets.length; r++) {
    const target = at(targets, r);
    if (target < 0) continue;
    const row = logits.data.subarray(r * vocab, (r + 1) * vocab);
    const largest = Math.max(...row);
    const total = row.reduce((sum, x) => sum + Math.exp(x - largest), 0);
    loss += (largest + Math.log(total) - at(row, target)) / counted;
    row.forEach((x, i) => {
      logits.grad[r * vocab + i] = (Math.exp(x - largest) / total - Number(i === target)) / counted;
    });
  }
  return loss;
}
