// Seeded inputs of kernel tests.
import { floatToHalf, halfToFloat } from "../../src/io/half.js";
import { Random, threefry2x32, uniformOf } from "../../src/random.js";
import type { TypedArray } from "./run-kernel.js";

/** Standard normal numbers, rounded to f32. Equal seeds give equal numbers. */
export function normals(count: number, seed: number, scale = 1): Float32Array {
  const random = new Random(seed);
  return Float32Array.from({ length: count }, () => scale * random.normal());
}

/** Fixed-point stream words of normal numbers. */
export function streamWords(count: number, seed: number, scale = 1): Int32Array {
  return Int32Array.from(normals(count, seed, scale), (x) => Math.round(x * 2 ** 16));
}

/** The bits of f32 numbers, as a f32 stream holds them. */
export function floatWords(values: Float32Array): Int32Array {
  return new Int32Array(values.slice().buffer);
}

/** Numbers rounded to halves, and the words that hold them two by two. */
export function halvesOf(values: Float32Array): { numbers: Float32Array; words: Uint32Array } {
  const halves = Uint16Array.from(values, floatToHalf);
  return { numbers: Float32Array.from(halves, halfToFloat), words: new Uint32Array(halves.buffer) };
}

/** The numbers that words hold as halves. */
export function ofHalves(words: TypedArray): Float32Array {
  return Float32Array.from(new Uint16Array(words.slice().buffer), halfToFloat);
}

/** A control buffer with a seed and a draw; see shaders/shared/control.wgsl. */
export function controlWords(seed: readonly [number, number], draw: number): Uint32Array {
  return Uint32Array.from({ length: 16 }, (_, i) => [...seed, draw][i] ?? 0);
}

/** The keep mask that seeded dropout draws for rows `rowOffset`.. of a [rows, columns] matrix. */
export function seededKeep(
  control: Uint32Array,
  site: number,
  rate: number,
  rows: number,
  columns: number,
  rowOffset = 0,
): Uint32Array {
  const [seed0 = 0, seed1 = 0, draw = 0] = control;
  const key = threefry2x32([seed0, seed1], [draw, site]);
  return Uint32Array.from({ length: rows * columns }, (_, i) => {
    const counter = [rowOffset + Math.floor(i / columns), i % columns] as const;
    return Number(uniformOf(threefry2x32(key, counter)[0]) >= Math.fround(rate));
  });
}
