// Learning rates by step. Pure arithmetic; the trainer asks before every optimiser step.
import { ConfigError } from "../errors.js";

export const SCHEDULES = ["constant", "linear", "cosine", "inverse-square-root"] as const;
export type ScheduleKind = (typeof SCHEDULES)[number];

export interface Schedule {
  readonly kind: ScheduleKind;
  /** The highest learning rate, reached at the end of the warm-up. */
  readonly learningRate: number;
  /** Steps of linear warm-up: step s of w has s/w of the learning rate. 0: none. */
  readonly warmupSteps: number;
  /** Optimiser steps of the whole run, warm-up included; "linear" and "cosine" end there. */
  readonly steps: number;
  /** Where "linear" and "cosine" end, and the least after the warm-up of "inverse-square-root". */
  readonly finalLearningRate: number;
}

/**
 * Fills in defaults (constant, no warm-up, final learning rate 0) and checks every field.
 * @throws {ConfigError} naming the field, what was given and what is needed
 */
export function resolveSchedule(
  options: Partial<Schedule> & Pick<Schedule, "learningRate" | "steps">,
): Schedule {
  const schedule: Schedule = { kind: "constant", warmupSteps: 0, finalLearningRate: 0, ...options };
  const { kind, learningRate, warmupSteps, steps, finalLearningRate } = schedule;
  const check = (field: keyof Schedule, valid: boolean, needed: string) => {
    if (!valid) throw new ConfigError(`${field} is ${schedule[field]}, but must be ${needed}`, { field });
  };
  check("kind", SCHEDULES.includes(kind), `one of ${SCHEDULES.join(", ")}`);
  check("learningRate", Number.isFinite(learningRate) && learningRate >= 0, "a finite number from 0 on");
  check("steps", Number.isInteger(steps) && steps >= 1, "a whole number from 1 on");
  check("warmupSteps", Number.isInteger(warmupSteps) && warmupSteps >= 0, "a whole number from 0 on");
  check(
    "finalLearningRate",
    finalLearningRate >= 0 && finalLearningRate <= learningRate,
    `from 0 to the learningRate ${learningRate}`,
  );
  return schedule;
}

/**
 * Learning rate of optimiser step `step`, counted from 1.
 *
 *   warm-up (s ≤ w)      η · s/w
 *   linear               η_f + (η − η_f)(1 − x)              x = (s − 1 − w) / (S − w), at most 1
 *   cosine               η_f + (η − η_f)(1 + cos πx) / 2
 *   inverse-square-root  max(η_f, η √(w / (s − 1))), w at least 1
 *
 * The first step after the warm-up has the full learning rate; only steps beyond the last one have η_f itself.
 */
export function learningRateAt(schedule: Schedule, step: number): number {
  const { kind, learningRate, warmupSteps, steps, finalLearningRate } = schedule;
  if (step <= warmupSteps) return (learningRate * step) / warmupSteps;
  const past = step - 1;
  const range = learningRate - finalLearningRate;
  const progress = steps > warmupSteps ? Math.min(1, (past - warmupSteps) / (steps - warmupSteps)) : 1;
  switch (kind) {
    case "constant":
      return learningRate;
    case "linear":
      return finalLearningRate + range * (1 - progress);
    case "cosine":
      return finalLearningRate + (range * (1 + Math.cos(Math.PI * progress))) / 2;
    case "inverse-square-root": {
      const scale = Math.max(1, warmupSteps);
      return Math.max(finalLearningRate, learningRate * Math.sqrt(scale / Math.max(scale, past)));
    }
    default:
      return kind satisfies never;
  }
}
