/** The dispatches of a model's training step, each timed alone. */
import {
  type ProfiledDispatch,
  type ProfileOptions,
  profileStep,
  type ReformerOptions,
} from "../../../src/index.js";
import type { Bench } from "../bench.js";

export interface ArchitectureParams {
  readonly config: ReformerOptions;
  readonly training: ProfileOptions;
}

export interface ArchitectureTold {
  /** Whether the adapter has a clock for single programs. */
  readonly timed: boolean;
  readonly dispatches: readonly ProfiledDispatch[];
}

export async function* architecture(
  bench: Bench,
  { config, training }: ArchitectureParams,
  signal: AbortSignal,
): AsyncGenerator<ArchitectureTold> {
  const dispatches = await profileStep(await bench.device(), config, { ...training, signal });
  yield { timed: dispatches.some(({ nanoseconds }) => nanoseconds !== null), dispatches };
}
