// The control buffer: what changes from step to step without a new plan. Word numbers: shaders/shared/control.wgsl.
import { ConfigError } from "../errors.js";

/** Words of the control buffer. */
export const CONTROL_WORDS = 16;

/** Word of `lossExponent`: scaled runs copy it from the update state. */
export const CONTROL_LOSS_EXPONENT = 13;

/** What a step may vary; left-out fields are 0 in the buffer, or the neutral value where one is named. */
export interface ControlState {
  /** Whole number from 0 to 2^53 - 1, split over two words as in `randomKey`. */
  readonly seed: number;
  /** Counts the forward passes that draw random numbers; a recomputation has the number of its forward pass. */
  readonly draw: number;
  readonly learningRate?: number;
  /** Weight of one target's loss in the mean: 1 / (targets that are not ignored). */
  readonly lossScale?: number;
  /** 1 - beta1^step, see `biasCorrection`; 1 if left out. */
  readonly biasCorrection1?: number;
  /** 1 - beta2^step; 1 if left out. */
  readonly biasCorrection2?: number;
  /** Optimiser step, counted from 1. */
  readonly step?: number;
  /** Position of each sequence's first token, for cached decoding. */
  readonly position?: number;
  /** Sampling: divides the logits; 0 takes the likeliest token. 1 if left out. */
  readonly temperature?: number;
  /** Sampling: number of likeliest tokens to choose among; 0, or left out: all. */
  readonly topK?: number;
  /** Sampling: chooses among the likeliest tokens that together reach this probability; 1 if left out. */
  readonly topP?: number;
  /** Sampling: above 1 makes tokens that have occurred less likely; 1 if left out. */
  readonly repetitionPenalty?: number;
  /** Gradients are those of 2^lossExponent times the loss; 0 if left out. In training the GPU writes it. */
  readonly lossExponent?: number;
}

/** Field, first word, type and value when left out. */
const LAYOUT = [
  ["draw", 2, "u32", 0],
  ["learningRate", 3, "f32", 0],
  ["lossScale", 4, "f32", 0],
  ["biasCorrection1", 5, "f32", 1],
  ["biasCorrection2", 6, "f32", 1],
  ["step", 7, "u32", 0],
  ["position", 8, "u32", 0],
  ["temperature", 9, "f32", 1],
  ["topK", 10, "u32", 0],
  ["topP", 11, "f32", 1],
  ["repetitionPenalty", 12, "f32", 1],
  ["lossExponent", CONTROL_LOSS_EXPONENT, "f32", 0],
] as const;

/**
 * The words of the control buffer.
 * @throws {ConfigError} naming the field that does not fit its word
 */
export function packControl(state: ControlState): Uint32Array<ArrayBuffer> {
  const words = new Uint32Array(CONTROL_WORDS);
  const floats = new Float32Array(words.buffer);
  if (!Number.isSafeInteger(state.seed) || state.seed < 0) {
    throw new ConfigError(`seed is ${state.seed}, but must be a whole number from 0 to 2^53 - 1`, {
      field: "seed",
    });
  }
  words[0] = state.seed % 2 ** 32;
  words[1] = Math.floor(state.seed / 2 ** 32);
  for (const [field, word, type, fallback] of LAYOUT) {
    const value = state[field] ?? fallback;
    const fits = type === "f32" ? Number.isFinite(Math.fround(value)) : Number.isInteger(value) && value >= 0;
    if (!fits || (type === "u32" && value >= 2 ** 32)) {
      const needed = type === "f32" ? "a finite number" : "a whole number from 0 to 2^32 - 1";
      throw new ConfigError(`${field} is ${value}, but must be ${needed}`, { field });
    }
    if (type === "f32") floats[word] = value;
    else words[word] = value;
  }
  return words;
}

/** 1 - beta^step, accurate also where beta^step is close to 1. `step` counts from 1. */
export function biasCorrection(beta: number, step: number): number {
  return beta === 0 ? 1 : -Math.expm1(step * Math.log(beta));
}
