/** What the page needs of the library. `main.ts` gives it the real one; tests may give another. */
import type {
  CreateOptions,
  MemoryUse,
  Model,
  ModelFiles,
  PlanOptions,
  ReformerOptions,
} from "../src/index.js";

export type * from "../src/index.js";

export interface Runtime {
  create(config: ReformerOptions, options: CreateOptions): Promise<Model>;
  load(files: ModelFiles, options: CreateOptions): Promise<Model>;
  planMemory(config: ReformerOptions, options: PlanOptions): MemoryUse;
}
