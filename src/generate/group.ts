// Steps of a generation in groups: the token that one step chooses is what the next one reads, without the host in between.
import { CONTROL_WORDS, type ControlState, packControl } from "../model/control.js";
import type { PreparedPlan } from "../scheduler/run.js";
import { type GenerationPlan, GROUP, RUN } from "./recordings.js";

/** What one step is told. */
export interface StepControl {
  readonly control: ControlState;
  /** Of a target, its own position. */
  readonly positionControl?: ControlState | undefined;
  /** LSH layers look their keys up by bucket. */
  readonly hashed: boolean;
}

/** Runs at most `GROUP` steps and returns the tokens that each chose, by sequence. */
export async function runSteps(
  prepared: PreparedPlan,
  { tensors, shape: { batch } }: GenerationPlan,
  steps: readonly StepControl[],
  options: { readonly signal?: AbortSignal | undefined } = {},
): Promise<number[][]> {
  prepared.write(tensors.controls, packed(steps.map(({ control }) => control)));
  if (tensors.positionControls) {
    const positions = steps.map(({ control, positionControl }) => positionControl ?? control);
    prepared.write(tensors.positionControls, packed(positions));
  }
  const runs = steps.flatMap(({ hashed }, i) => [
    RUN.load + i,
    hashed ? RUN.hashed : RUN.dense,
    RUN.keep + i,
  ]);
  await prepared.run(runs, options);
  const chosen = await prepared.read(tensors.chosen);
  return steps.map((_, i) => Array.from(chosen.subarray(i * batch, (i + 1) * batch)));
}

function packed(controls: readonly ControlState[]): Uint32Array {
  const words = new Uint32Array(controls.length * CONTROL_WORDS);
  controls.forEach((control, i) => void words.set(packControl(control), i * CONTROL_WORDS));
  return words;
}

/** Longest that a reader waits for the tokens of a group, milliseconds: streamed text still flows. */
const LONGEST = 50;

/** Steps of the next group, after one of `count` steps that took so many milliseconds: twice as many at most. */
export function nextGroup(count: number, milliseconds: number): number {
  const wanted = Math.floor((LONGEST * count) / Math.max(milliseconds, 0.01));
  return Math.max(1, Math.min(wanted, 2 * count, GROUP));
}
