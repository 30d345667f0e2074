/** What the page needs of the library. `main.ts` gives it the real one; tests may give another. */
import type {
  CreateOptions,
  MemoryUse,
  Model,
  ModelFiles,
  PlanOptions,
  ReformerOptions,
} from "../src/index.js";
import type { BufferLimits } from "./adapter.js";
import type { TestGpu } from "./gpu-test/report.js";
import type { Lab } from "./lab/protocol.js";

export type * from "../src/index.js";

export type { BufferLimits };

export interface Runtime {
  create(config: ReformerOptions, options: CreateOptions): Promise<Model>;
  /** Files of a model, or where they are: an address, or a name on the hub. */
  load(from: ModelFiles | string, options: CreateOptions): Promise<Model>;
  /** May take a while for a large model: it plans every dispatch. */
  planMemory(config: ReformerOptions, options: PlanOptions, limits: BufferLimits): Promise<MemoryUse>;
  /** The longest sequence that there is memory for; plans a handful of lengths. */
  longestLength(
    config: ReformerOptions,
    options: Omit<PlanOptions, "length">,
    limits: BufferLimits,
  ): Promise<number>;
  /** Tests the visitor's GPU in a worker of its own. */
  readonly testGpu: TestGpu;
  /** Runs the chapter's experiments; a page without one shows what is computed and recorded. */
  readonly lab?: Lab | undefined;
}
