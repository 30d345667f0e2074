// Options of a training run, checked and completed.
import type { ReformerConfig } from "../config/config.js";
import { longestLength } from "../config/config.js";
import { ConfigError } from "../errors.js";
import { HELD_OUT } from "../text/dataset.js";
import type { OptimizerOptions } from "../train/optimizer.js";
import type { TrainingShape } from "../train/recordings.js";
import { resolveSchedule, type Schedule } from "../train/schedule.js";
import type { TrainOptions } from "../types.js";

/** Everything a run is determined by, besides the model, the text and the seed. */
export interface TrainSettings {
  readonly steps: number;
  readonly accumulate: number;
  readonly shape: TrainingShape;
  readonly schedule: Schedule;
  readonly tune: boolean;
  readonly heldOut: number;
  readonly stride: number;
  readonly evaluateEvery: number;
  readonly evaluateTokens: number;
  readonly checkpointEvery: number;
  readonly checkpoint: string | undefined;
  readonly resume: boolean;
  readonly sampleEvery: number;
  readonly samplePrompt: string;
  readonly sampleTokens: number;
}

/** Steps over which the learning rate rises where nothing is said: a twentieth of the run. */
const WARMUP_SHARE = 0.05;

/** @throws {ConfigError} naming the option, what was given and what is needed */
export function resolveTrainOptions(config: ReformerConfig, options: TrainOptions): TrainSettings {
  const whole = (field: keyof TrainOptions, fallback: number, min: number, max = 2 ** 31): number =>
    number(field, options[field] ?? fallback, min, max, true);
  const real = (field: keyof TrainOptions, fallback: number, min: number, max: number): number =>
    number(field, options[field] ?? fallback, min, max, false);
  const choice = <T extends string>(field: keyof TrainOptions, fallback: T, allowed: readonly T[]): T => {
    const given = options[field] ?? fallback;
    const found = allowed.find((name) => name === given);
    if (!found) {
      throw new ConfigError(
        `${field} is ${JSON.stringify(given)}, but must be one of ${allowed.join(", ")}.`,
        { field },
      );
    }
    return found;
  };
  if (options.steps === undefined)
    throw new ConfigError("steps is missing: say how many to take.", { field: "steps" });
  const steps = whole("steps", 0, 1);
  const longest = longestLength(config);
  const optimizer: OptimizerOptions = {
    kind: choice("optimizer", "adamw", ["adamw", "adafactor"]),
    beta1: 0.9,
    beta2: 0.98,
    eps: 1e-8,
    weightDecay: real("weightDecay", 0.01, 0, 1),
    clipNorm: real("clipNorm", 1, 0, 1e9),
  };
  return {
    steps,
    accumulate: whole("accumulate", 1, 1, 65_536),
    shape: {
      batchSize: whole("batchSize", 1, 1, 65_536),
      length: whole("length", Math.min(512, longest), 1, longest),
      backward: choice("backward", "reversible", ["reversible", "stored"]),
      streams: choice("streams", "int32", ["int32", "f32"]),
      precision: choice("precision", "f32", ["f32", "mixed"]),
      labelSmoothing: real("labelSmoothing", 0, 0, 0.999),
      optimizer,
    },
    schedule: resolveSchedule({
      kind: choice("schedule", "cosine", ["constant", "linear", "cosine", "inverse-square-root"]),
      learningRate: real("learningRate", 1e-3, 0, 1e6),
      steps,
      warmupSteps: whole("warmupSteps", Math.ceil(steps * WARMUP_SHARE), 0),
    }),
    tune: options.tune ?? false,
    heldOut: real("heldOut", HELD_OUT, 0.001, 0.9), // bits per character need some held-out text
    stride: whole("stride", 1, 1),
    evaluateEvery: whole("evaluateEvery", 50, 0),
    evaluateTokens: whole("evaluateTokens", 4096, 1),
    checkpointEvery: whole("checkpointEvery", 100, 0),
    checkpoint: options.checkpoint,
    resume: options.resume ?? true,
    sampleEvery: whole("sampleEvery", 0, 0),
    samplePrompt: options.samplePrompt ?? "\n",
    sampleTokens: whole("sampleTokens", Math.min(100, longest), 1, longest),
  };
}

function number(field: string, given: unknown, min: number, max: number, integer: boolean): number {
  const valid =
    typeof given === "number" && given >= min && given <= max && (!integer || Number.isInteger(given));
  if (valid) return given;
  const kind = integer ? "a whole number" : "a number";
  throw new ConfigError(`${field} is ${JSON.stringify(given)}, but must be ${kind} from ${min} to ${max}.`, {
    field,
  });
}
