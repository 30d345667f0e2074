// Tasks under the names that other libraries use: thin sugar over the methods of a model.
import { ConfigError } from "./errors.js";
import type { Model } from "./types.js";

/** The method behind each name. */
const METHODS = {
  "text-generation": "generate",
  "text-classification": "classify",
  "question-answering": "answer",
  "fill-mask": "fillMask",
  "text2text-generation": "convert",
  "feature-extraction": "embed",
} as const satisfies Record<string, keyof Model>;

export type PipelineTask = keyof typeof METHODS;

/**
 * `await pipeline("question-answering", model)({ question, context })`: the model's method for a task.
 * @throws {ConfigError} where there is no such task
 */
export function pipeline<T extends PipelineTask>(
  task: T,
  model: Pick<Model, (typeof METHODS)[PipelineTask]>,
): Model[(typeof METHODS)[T]] {
  const method = METHODS[task];
  if (!method) {
    throw new ConfigError(
      `task is ${JSON.stringify(task)}, but must be one of ${Object.keys(METHODS).join(", ")}.`,
      { field: "task" },
    );
  }
  return model[method].bind(model) as Model[(typeof METHODS)[T]];
}
