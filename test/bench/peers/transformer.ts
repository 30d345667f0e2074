// The transformer that jax-js trains: weights, a batch, and its loss in plain f64. Blocks of x + attention(norm(x)) and
// x + feedForward(norm(x)), learned positions, a last norm, logits, mean cross-entropy.
import { Random } from "../../../src/random.js";
import { normals } from "../../support/values.js";
import type { TrainingWork } from "./work.js";

/** A matrix or vector with its shape. */
export interface Weight {
  readonly shape: readonly number[];
  readonly values: Float32Array | Float64Array;
}

export type Weights = Readonly<Record<string, Weight>>;

/** Every block has weights of its own; the rest are `outer`. */
export interface Parameters {
  readonly outer: Weights;
  readonly blocks: readonly Weights[];
}

export const NORM_EPSILON = 1e-5;
/** Adam. */
export const ADAM = { rate: 1e-3, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 } as const;

export function initialParameters(work: TrainingWork): Parameters {
  const { layers, hiddenSize, feedForwardSize, vocabSize, length } = work;
  let seed = 0;
  const normal = (...shape: [number, number]): Weight => ({
    shape,
    values: new Float32Array(normals(shape[0] * shape[1], ++seed, 1 / Math.sqrt(hiddenSize))),
  });
  const filled = (size: number, value: number): Weight => ({
    shape: [size],
    values: new Float32Array(size).fill(value),
  });
  const block = (): Weights => ({
    norm1: filled(hiddenSize, 1),
    shift1: filled(hiddenSize, 0),
    query: normal(hiddenSize, hiddenSize),
    key: normal(hiddenSize, hiddenSize),
    value: normal(hiddenSize, hiddenSize),
    output: normal(hiddenSize, hiddenSize),
    norm2: filled(hiddenSize, 1),
    shift2: filled(hiddenSize, 0),
    inner: normal(hiddenSize, feedForwardSize),
    innerBias: filled(feedForwardSize, 0),
    outer: normal(feedForwardSize, hiddenSize),
    outerBias: filled(hiddenSize, 0),
  });
  return {
    outer: {
      words: normal(vocabSize, hiddenSize),
      positions: normal(length, hiddenSize),
      norm: filled(hiddenSize, 1),
      shift: filled(hiddenSize, 0),
      logits: normal(hiddenSize, vocabSize),
    },
    blocks: Array.from({ length: layers }, block),
  };
}

export function randomTokens({ vocabSize, length }: TrainingWork): {
  readonly inputs: Int32Array<ArrayBuffer>;
  readonly targets: Int32Array<ArrayBuffer>;
} {
  const random = new Random(0, 5);
  const all = Int32Array.from({ length: length + 1 }, () => random.below(vocabSize));
  return { inputs: all.slice(0, length), targets: all.slice(1) };
}

type Matrix = Float64Array[];

const numbers = (weights: Weights, name: string): Weight["values"] => (weights[name] as Weight).values;

function times(x: Matrix, weights: Weights, name: string): Matrix {
  const { shape, values } = weights[name] as Weight;
  const [rows = 0, columns = 0] = shape;
  return x.map((row) => {
    const out = new Float64Array(columns);
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < columns; j++) out[j]! += (row[i] as number) * (values[i * columns + j] as number);
    }
    return out;
  });
}

const plus = (x: Matrix, y: Matrix): Matrix =>
  x.map((row, i) => row.map((value, j) => value + (y[i]?.[j] as number)));

const biased = (x: Matrix, bias: Weight["values"]): Matrix =>
  x.map((row) => row.map((value, j) => value + (bias[j] as number)));

function normed(x: Matrix, gain: Weight["values"], shift: Weight["values"]): Matrix {
  return x.map((row) => {
    const mean = row.reduce((a, b) => a + b, 0) / row.length;
    const variance = row.reduce((sum, value) => sum + (value - mean) ** 2, 0) / row.length;
    const scale = 1 / Math.sqrt(variance + NORM_EPSILON);
    return row.map((value, j) => (value - mean) * scale * (gain[j] as number) + (shift[j] as number));
  });
}

function attended(q: Matrix, k: Matrix, v: Matrix, heads: number): Matrix {
  const width = (q[0]?.length ?? 0) / heads;
  return q.map((row, i) => {
    const out = new Float64Array(row.length);
    for (let head = 0; head < heads; head++) {
      const from = head * width;
      const exponentials = new Float64Array(i + 1);
      let most = Number.NEGATIVE_INFINITY;
      for (let t = 0; t <= i; t++) {
        let score = 0;
        for (let j = from; j < from + width; j++) score += (row[j] as number) * (k[t]?.[j] as number);
        exponentials[t] = score / Math.sqrt(width);
        most = Math.max(most, exponentials[t] as number);
      }
      let sum = 0;
      for (let t = 0; t <= i; t++) sum += exponentials[t] = Math.exp((exponentials[t] as number) - most);
      for (let t = 0; t <= i; t++) {
        const weight = (exponentials[t] as number) / sum;
        for (let j = from; j < from + width; j++) out[j]! += weight * (v[t]?.[j] as number);
      }
    }
    return out;
  });
}

function blockOf(x: Matrix, w: Weights, heads: number): Matrix {
  const h = normed(x, numbers(w, "norm1"), numbers(w, "shift1"));
  const heard = attended(times(h, w, "query"), times(h, w, "key"), times(h, w, "value"), heads);
  const y = plus(x, times(heard, w, "output"));
  const inner = biased(
    times(normed(y, numbers(w, "norm2"), numbers(w, "shift2")), w, "inner"),
    numbers(w, "innerBias"),
  );
  const active = inner.map((row) => row.map((value) => Math.max(0, value)));
  return plus(y, biased(times(active, w, "outer"), numbers(w, "outerBias")));
}

/** Mean cross-entropy in nats. */
export function plainLoss({ outer, blocks }: Parameters, work: TrainingWork): number {
  const { inputs, targets } = randomTokens(work);
  const { hiddenSize, heads } = work;
  const row = (name: string, at: number) =>
    numbers(outer, name).subarray(at * hiddenSize, (at + 1) * hiddenSize);
  let x: Matrix = Array.from(inputs, (token, i) =>
    Float64Array.from(row("words", token), (value, j) => value + (row("positions", i)[j] as number)),
  );
  for (const block of blocks) x = blockOf(x, block, heads);
  const logits = times(normed(x, numbers(outer, "norm"), numbers(outer, "shift")), outer, "logits");
  let sum = 0;
  for (const [i, scores] of logits.entries()) {
    const most = scores.reduce((a, b) => Math.max(a, b));
    const total = scores.reduce((all, score) => all + Math.exp(score - most), 0);
    sum += most + Math.log(total) - (scores[targets[i] as number] as number);
  }
  return sum / logits.length;
}
