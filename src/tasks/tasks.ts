// All tasks by name.
import { type HashOptions, withHashing } from "../config/hashing.js";
import type { Tasks } from "../types-tasks.js";
import { answer } from "./answer.js";
import { classify } from "./classify.js";
import { convert } from "./convert.js";
import { coverage } from "./coverage.js";
import { embed } from "./embed.js";
import { explain } from "./explain.js";
import { fillMask } from "./fill-mask.js";
import { inspect } from "./inspect.js";
import type { TaskModel } from "./reading.js";
import { score } from "./score.js";

/** The tasks of one model. */
export function tasksOf(model: TaskModel): Tasks {
  const hashing = (options: HashOptions = {}) => ({ ...model, config: withHashing(model.config, options) });
  return {
    classify: (texts, options) => classify(hashing(options), texts, options),
    answer: (question, options) => answer(hashing(options), question, options),
    fillMask: (text, options) => fillMask(hashing(options), text, options),
    convert: (texts, options) => convert(hashing(options), texts, options),
    embed: (texts, options) => embed(hashing(options), texts, options),
    score: (text, options) => score(hashing(options), text, options),
    coverage: (text, options) => coverage(model, text, options),
    inspect: (text, options) => inspect(model, text, options),
    explain: (text, options) => explain(hashing(options), text, options),
  };
}
