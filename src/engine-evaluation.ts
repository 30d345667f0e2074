// The loss of a model on a text.
import { withHashing } from "./config-hashing.js";
import { needLanguageModel } from "./engine-data.js";
import { PreparedPlan } from "./scheduler/run.js";
import { maskWindows } from "./tasks/masking.js";
import type { TaskModel } from "./tasks/reading.js";
import { TokenDataset } from "./text/dataset.js";
import { EVALUATE, evaluateWindows, initialiseWindows, planEvaluation } from "./train/evaluation.js";
import type { EvaluateOptions, Evaluation } from "./types.js";

/** So much of a text is held out that nothing is left to train on. */
const ALL = 0.999999;

/** Mean loss over the text in windows; a masked language model finds what is masked. */
export async function evaluateText(
  model: TaskModel,
  text: string,
  { length: wanted = 512, lsh = true, hashing, signal }: EvaluateOptions,
): Promise<Evaluation> {
  const { tokenizer, seed, gpu, base, weights, profile } = model;
  const config = withHashing(model.config, hashing);
  needLanguageModel(config, "evaluate()");
  const dataset = await TokenDataset.fromText(text, tokenizer, { heldOut: ALL, signal });
  const length = Math.max(1, Math.min(wanted, dataset.heldOut.length - 1));
  const shape = { batchSize: 1, length, streams: "f32" } as const;
  const { plan, windows } = planEvaluation(config, shape, weights, profile);
  const prepared = await PreparedPlan.create(gpu, plan, { shared: base, signal });
  try {
    initialiseWindows(prepared, windows);
    const run = lsh ? EVALUATE.all : EVALUATE.withoutLsh;
    const windowed = dataset.heldOutWindows(shape);
    const batches = config.head === "masked-language-model" ? maskWindows(config, windowed, seed) : windowed;
    const { loss, tokens } = await evaluateWindows(prepared, windows, run, batches, { seed, signal });
    return { loss, tokens, bitsPerCharacter: dataset.bitsPerCharacter(loss) };
  } finally {
    prepared.dispose();
  }
}
