// What the cases of the self-test are made of.
import type { Dims } from "../gpu/kernel.js";
import { halvesShape } from "../shapes.js";
import { type Answer, answer } from "./answers.js";
import { halfBits } from "./halves.js";

export type Values = Float32Array | Uint32Array | Int32Array;

/** Dispatches of one kernel, one after another on the same tensors. */
export interface SelfTestCase {
  /** Of every dispatch. */
  readonly dims: readonly [Dims, ...Dims[]];
  /** Contents of bindings before the first dispatch; others hold NaN, or are left out where they may be. */
  readonly given: Readonly<Record<string, Values>>;
  /** Contents of bindings after the last one. */
  readonly expected: Readonly<Record<string, Answer>>;
}

/** Whole numbers from -3 to 3 without a pattern, times `unit`: exact in halves where `unit` is a power of two. */
export function numbers(count: number, seed: number, unit = 1): Float32Array {
  const number = (i: number) => ((Math.imul(i + 1000 * seed + 1, 0x9e3779b1) >>> 16) % 7) - 3;
  return Float32Array.from({ length: count }, (_, i) => number(i) * unit);
}

export const exactly = (values: ArrayLike<number>): Answer => ({
  ...answer(values.length),
  values: Float64Array.from(values),
});

/** Words of a residual stream. */
export const streamWords = (values: ArrayLike<number>, fixedPoint: boolean): Int32Array =>
  fixedPoint ? Int32Array.from(values, (x) => x * 2 ** 16) : new Int32Array(Float32Array.from(values).buffer);

/** Numbers that halves hold exactly, an even number of them, two to a word. */
export function halfWords(values: ArrayLike<number>): Uint32Array {
  const words = new Uint32Array(halvesShape([values.length])[0] as number);
  new Uint16Array(words.buffer).set(Array.from(values, halfBits));
  return words;
}

/** Control words: with a dropout rate of 0 every weight is kept, whatever is drawn. */
export const control = () => new Uint32Array(16);
