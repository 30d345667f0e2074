// The loss of a model on a text, or on examples.
import { type ReformerConfig, roundUpToChunks } from "../config/config.js";
import { withHashing } from "../config/hashing.js";
import { hasAccuracy } from "../layers/heads.js";
import type { DeviceProfile } from "../scheduler/plan.js";
import { PreparedPlan } from "../scheduler/run.js";
import { ExampleSource, encodeExamples, longestExample } from "../tasks/examples.js";
import { MASK_SHARE, maskWindows } from "../tasks/masking.js";
import type { TaskModel } from "../tasks/reading.js";
import { type Batch, TokenDataset } from "../text/dataset.js";
import { EVALUATE, evaluateWindows, initialiseWindows, planEvaluation } from "../train/evaluation.js";
import type { EvaluateOptions, Evaluation, Example } from "../types.js";
import { needExamples, needLanguageModel } from "./data.js";
import { planLength } from "./length.js";

/** So much of a text is held out that nothing is left to train on. */
const ALL = 0.999999;

/** Mean loss on a text, or on examples of the model's head. */
export function evaluate(
  model: TaskModel,
  given: string | readonly Example[],
  options: EvaluateOptions,
): Promise<Evaluation> {
  return typeof given === "string"
    ? evaluateText(model, given, options)
    : evaluateExamples(model, given, options);
}

/** Mean loss over the text in windows; a masked language model finds what is masked. */
async function evaluateText(
  model: TaskModel,
  text: string,
  { length: wanted = 512, lsh = true, hashing, numHashes, signal }: EvaluateOptions,
): Promise<Evaluation> {
  const { tokenizer, seed } = model;
  const config = withHashing(model.config, { hashing, numHashes });
  needLanguageModel(config, "evaluate()");
  const dataset = await TokenDataset.fromText(text, tokenizer, { heldOut: ALL, signal });
  const length = Math.max(1, Math.min(wanted, dataset.heldOut.length - 1));
  const shape = { batchSize: 1, length, streams: "f32" } as const;
  const windowed = dataset.heldOutWindows(shape);
  const batches = config.head === "masked-language-model" ? maskWindows(config, windowed, seed) : windowed;
  const { loss, tokens } = await lossOf(model, config, shape, batches, { lsh, signal });
  return { loss, tokens, bitsPerCharacter: dataset.bitsPerCharacter(loss) };
}

/** Examples read side by side. */
const BATCH = 8;

/** Mean loss over the examples, in the order they come. */
async function evaluateExamples(
  model: TaskModel,
  examples: readonly Example[],
  { lsh = true, hashing, numHashes, signal }: Omit<EvaluateOptions, "length">,
): Promise<Evaluation> {
  const config = withHashing(model.config, { hashing, numHashes });
  needExamples(config, "evaluate() of examples");
  const { length: longest, targetLength } = await longestExample(model, examples, signal);
  const pair = config.head === "sequence-to-sequence";
  const length = pair ? longest : roundUpToChunks(config, longest);
  const encoded = await encodeExamples(model, examples, { length, targetLength, signal });
  const source = new ExampleSource(config, encoded, MASK_SHARE);
  const shape = { batchSize: BATCH, length, targetLength, masked: true, streams: "f32" } as const;
  const batches = source.inOrder(shape, model.seed);
  const { loss, accuracy, tokens } = await lossOf(model, config, shape, batches, { lsh, signal });
  const measured = { loss, tokens, bitsPerCharacter: loss / Math.LN2 };
  return hasAccuracy(config) ? { ...measured, accuracy } : measured;
}

async function lossOf(
  { seed, gpu, base, weights, planner }: TaskModel,
  config: ReformerConfig,
  shape: Parameters<typeof planEvaluation>[1],
  batches: Iterable<Batch>,
  { lsh, signal }: { readonly lsh: boolean; readonly signal: AbortSignal | undefined },
): Promise<{ loss: number; accuracy: number; tokens: number }> {
  const held = { bytes: gpu.liveBytes, shared: base.plan };
  const make = (p: DeviceProfile, length: number) => planEvaluation(config, { ...shape, length }, weights, p);
  const { plan, windows } = await planner.plan((profile) =>
    planLength(config, shape.length, profile, held, make),
  );
  const prepared = await PreparedPlan.create(gpu, plan, { shared: base, signal });
  try {
    initialiseWindows(prepared, windows);
    const run = lsh ? EVALUATE.all : EVALUATE.withoutLsh;
    return await evaluateWindows(prepared, windows, run, batches, { seed, signal });
  } finally {
    prepared.dispose();
  }
}
