/** What the page and its laboratory say to each other. An experiment is a named generator of rows in a worker. */
import type { EXPERIMENTS } from "./experiments/index.js";

export type Experiments = typeof EXPERIMENTS;
export type ExperimentName = keyof Experiments;
/** What an experiment is given. */
export type Params<Name extends ExperimentName> = Parameters<Experiments[Name]>[1];
/** What it tells, one after the other. */
export type Told<Name extends ExperimentName> =
  ReturnType<Experiments[Name]> extends AsyncGenerator<infer Row> ? Row : never;

export type ToLab =
  | { readonly type: "run"; readonly id: number; readonly name: ExperimentName; readonly params: unknown }
  | { readonly type: "abort"; readonly id: number };

export type FromLab =
  | { readonly type: "row"; readonly id: number; readonly row: unknown }
  | { readonly type: "end"; readonly id: number }
  | { readonly type: "error"; readonly id: number; readonly name: string; readonly message: string };

/** The worker, as the page uses it. */
export interface Lab {
  /**
   * Rows of an experiment. Leaving the loop, or the signal, ends it: then come the rows of what had begun, and the loop ends
   * with the signal's reason.
   */
  run<Name extends ExperimentName>(
    name: Name,
    params: Params<Name>,
    signal: AbortSignal,
  ): AsyncGenerator<Told<Name>, void, undefined>;
}
