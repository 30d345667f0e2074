// What reproducing a table or figure of the paper takes and gives.
import type { Scale } from "../../self-test/benchmark.js";
import type { Table } from "../report.js";

export interface Setting {
  /** Chooses the sizes: a GPU's are the paper's or near them. */
  readonly scale: Scale;
  /** Optimiser steps instead of the usual ones. */
  readonly steps: number | undefined;
  readonly signal: AbortSignal;
  readonly log: (line: string) => void;
}

export interface Reproduced {
  readonly tables: readonly Table[];
  /** Everything that was set and measured, for the JSON file. */
  readonly numbers: object;
}

export type Reproduction = (setting: Setting) => Promise<Reproduced>;
