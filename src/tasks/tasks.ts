// All tasks by name.
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
  return {
    classify: (texts, options) => classify(model, texts, options),
    answer: (question, options) => answer(model, question, options),
    fillMask: (text, options) => fillMask(model, text, options),
    convert: (texts, options) => convert(model, texts, options),
    embed: (texts, options) => embed(model, texts, options),
    score: (text, options) => score(model, text, options),
    coverage: (text, options) => coverage(model, text, options),
    inspect: (text, options) => inspect(model, text, options),
    explain: (text, options) => explain(model, text, options),
  };
}
