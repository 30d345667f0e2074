// How tokens are chosen.
import { ConfigError } from "../errors.js";
import type { ControlState } from "../model/control.js";
import type { SamplingOptions } from "../types-generation.js";

/** @throws {ConfigError} naming the option that is out of range */
export function checkSampling({ temperature, topK, topP, repetitionPenalty }: SamplingOptions): void {
  const check = (field: string, value: number | undefined, valid: (x: number) => boolean, needed: string) => {
    if (value !== undefined && !valid(value)) {
      throw new ConfigError(`${field} is ${value}, but must be ${needed}`, { field });
    }
  };
  check("temperature", temperature, (x) => x >= 0 && Number.isFinite(x), "a finite number from 0 on");
  check("topK", topK, (x) => Number.isInteger(x) && x >= 0, "a whole number from 0 on");
  check("topP", topP, (x) => x > 0 && x <= 1, "above 0 and at most 1");
  check("repetitionPenalty", repetitionPenalty, (x) => x > 0 && Number.isFinite(x), "a number above 0");
}

/** What a step at a position is told. */
export function samplingControl(
  { seed = 0, temperature, topK, topP, repetitionPenalty }: SamplingOptions,
  position: number,
): ControlState {
  return { seed, draw: position, position, ...defined({ temperature, topK, topP, repetitionPenalty }) };
}

/** The fields that are not undefined. */
function defined<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}
