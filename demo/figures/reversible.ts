/** Reversible layers on the CPU: what single precision and fixed point give back after all layers. */
import { normal, randomNumbers } from "./words.js";

/** Small: it is computed between two frames of the page. */
const WIDTH = 32;
/** Fixed point as in the runtime: steps of 2^-16. */
const ONE = 2 ** 16;

/** Any fixed nonlinear function does for f and g. */
function layer(values: ArrayLike<number>, weights: Float32Array): Float32Array {
  return Float32Array.from({ length: WIDTH }, (_, i) => {
    let sum = 0;
    for (let j = 0; j < WIDTH; j++) sum = Math.fround(sum + (weights[i * WIDTH + j] ?? 0) * (values[j] ?? 0));
    return Math.tanh(sum);
  });
}

/** Adds what `read` makes of each change, or takes it away again. */
const adder =
  (read: (change: number) => number) =>
  (x: Float32Array | Int32Array, change: Float32Array, sign: 1 | -1): void => {
    for (const [i, c] of change.entries()) x[i] = (x[i] ?? 0) + sign * read(c);
  };

/** Largest error of x after going through `depth` layers and back, in floating and in fixed point. */
export function reconstruction(depth: number): { float: number; fixed: number } {
  const next = randomNumbers(5);
  const weights = Array.from({ length: 2 * depth }, () =>
    Float32Array.from({ length: WIDTH ** 2 }, () => (1.5 * normal(next)) / Math.sqrt(WIDTH)),
  );
  const start = [0, 1].map(() => Float32Array.from({ length: WIDTH }, () => normal(next)));
  const through = (
    streams: readonly (Float32Array | Int32Array)[],
    add: (x: Float32Array | Int32Array, change: Float32Array, sign: 1 | -1) => void,
    scale: number,
  ) => {
    const read = (x: Float32Array | Int32Array) => Float32Array.from(x, (v) => v / scale);
    const [x1, x2] = streams;
    if (!x1 || !x2) return;
    for (let i = 0; i < depth; i++) {
      add(x1, layer(read(x2), weights[2 * i] ?? new Float32Array()), 1);
      add(x2, layer(read(x1), weights[2 * i + 1] ?? new Float32Array()), 1);
    }
    for (let i = depth - 1; i >= 0; i--) {
      add(x2, layer(read(x1), weights[2 * i + 1] ?? new Float32Array()), -1);
      add(x1, layer(read(x2), weights[2 * i] ?? new Float32Array()), -1);
    }
  };
  const floats = start.map((x) => x.slice());
  through(
    floats,
    adder((c) => c),
    1,
  );
  const integers = start.map((x) => Int32Array.from(x, (v) => Math.round(v * ONE)));
  const before = integers.map((x) => x.slice());
  through(
    integers,
    adder((c) => Math.round(c * ONE)),
    ONE,
  );
  const worst = (a: readonly ArrayLike<number>[], b: readonly ArrayLike<number>[], scale: number) =>
    Math.max(...a.flatMap((x, s) => Array.from(x, (v, i) => Math.abs(v - (b[s]?.[i] ?? 0)) / scale)));
  return { float: worst(floats, start, 1), fixed: worst(integers, before, ONE) };
}
