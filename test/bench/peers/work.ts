// What is compared, as data, and what a contestant must be able to do.

/** C [m, n] = A [m, k] · B [k, n], f32. */
export interface MatmulWork {
  readonly kind: "matmul";
  readonly m: number;
  readonly k: number;
  readonly n: number;
}

/** Causal softmax attention, forward, f32, one sequence; q, k, v and the result are [heads, length, headSize]. */
export interface AttentionWork {
  readonly kind: "attention";
  readonly heads: number;
  readonly headSize: number;
  readonly length: number;
}

/** Forward, backward and one Adam step of a causal language model on one sequence. */
export interface TrainingWork {
  readonly kind: "training";
  readonly layers: number;
  readonly hiddenSize: number;
  readonly heads: number;
  readonly feedForwardSize: number;
  readonly vocabSize: number;
  readonly length: number;
}

export type Work = MatmulWork | AttentionWork | TrainingWork;

/** A contestant with its inputs on the GPU. */
export interface Ready {
  /** Does the work once; resolves when the GPU has finished. */
  run(): Promise<unknown>;
  /**
   * Largest difference of the last run's result to a plain reference, as a share of the reference's largest value;
   * undefined where it is checked elsewhere.
   */
  error(): Promise<number | undefined>;
}

export type Contestant = (work: Work) => Promise<Ready>;

/** Given to every contestant alike. */
export interface Inputs {
  readonly q: Float32Array<ArrayBuffer>;
  readonly k: Float32Array<ArrayBuffer>;
  readonly v: Float32Array<ArrayBuffer>;
}

/** [a, b, c] to [b, a, c]: from heads first to tokens first, and back. */
export function swapAxes(
  values: ArrayLike<number>,
  [a, b, c]: readonly [number, number, number],
): Float32Array<ArrayBuffer> {
  const swapped = new Float32Array(a * b * c);
  for (let i = 0; i < a; i++) {
    for (let j = 0; j < b; j++) {
      for (let l = 0; l < c; l++) swapped[(j * a + i) * c + l] = values[(i * b + j) * c + l] as number;
    }
  }
  return swapped;
}
