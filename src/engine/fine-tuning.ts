// Training with examples: options, encoding, and the run that keeps its best checkpoint.
import { pairLengths, type ReformerConfig, roundUpToChunks } from "../config/config.js";
import { ConfigError } from "../errors.js";
import { parameters } from "../model/parameters.js";
import { encodeExamples, longestExample, splitExamples } from "../tasks/examples.js";
import { MASK_SHARE } from "../tasks/masking.js";
import { HELD_OUT } from "../text/dataset.js";
import type { FineTuneOptions, FineTuneStep, TrainSummary } from "../types.js";
import type { Example } from "../types-tasks.js";
import { exampleData, needExamples } from "./data.js";
import { resolveTrainOptions, type TrainSettings } from "./options.js";
import type { TrainedModel } from "./trained-model.js";
import { TrainingRun } from "./training.js";

const DEFAULT_PATIENCE = 3;

/** Takes all steps, or fewer where the held-out loss no longer falls; the best weights are the model's then. */
export async function* fineTuneSteps(
  model: TrainedModel,
  examples: readonly Example[],
  options: FineTuneOptions,
  stopped: () => boolean,
): AsyncGenerator<FineTuneStep, TrainSummary> {
  const { config } = model;
  const { signal, patience = DEFAULT_PATIENCE, maskShare = MASK_SHARE } = options;
  needExamples(config, "fineTune()");
  checkOptions(config, options);
  signal?.throwIfAborted();
  const given = options.heldOut ?? HELD_OUT;
  const parts =
    typeof given === "number"
      ? splitExamples(examples, given, model.seed)
      : { train: [...examples], heldOut: [...given] };
  const settings = await settingsOf(model, parts, options);
  const { shape } = settings;
  const encoding = { length: shape.length, targetLength: shape.targetLength, signal };
  const { classWeights } = options;
  const train = await encodeExamples(model, parts.train, { ...encoding, classWeights });
  const heldOut = await encodeExamples(model, parts.heldOut, encoding);
  const data = exampleData(model, train, heldOut, maskShare, shape);
  const run = TrainingRun.run(model, data, settings, { signal, stopped }, patience);
  try {
    for (;;) {
      const { done, value } = await run.next();
      if (done) return value;
      const { bitsPerCharacter: _, heldOut: measured, sample: __, ...step } = value;
      yield measured ? { ...step, heldOut: { loss: measured.loss, accuracy: measured.accuracy } } : step;
    }
  } finally {
    await run.return(undefined as never); // saves what was learnt where the reader leaves
  }
}

function checkOptions(
  config: ReformerConfig,
  { freeze, classWeights, patience, maskShare }: FineTuneOptions,
): void {
  const refuse = (field: string, value: unknown, needed: string): never => {
    throw new ConfigError(`${field} is ${JSON.stringify(value)}, but must be ${needed}.`, { field });
  };
  if (patience !== undefined && !(Number.isInteger(patience) && patience >= 0)) {
    refuse("patience", patience, "a whole number from 0 on");
  }
  if (maskShare !== undefined && !(maskShare > 0 && maskShare < 1)) {
    refuse("maskShare", maskShare, "a share between 0 and 1");
  }
  if (classWeights) {
    const valid =
      classWeights.length === config.numLabels && classWeights.every((w) => Number.isFinite(w) && w > 0);
    if (!valid || config.head !== "classification" || config.problemType !== "single-label") {
      refuse(
        "classWeights",
        classWeights,
        `${config.numLabels} positive numbers, for a single-label classification head`,
      );
    }
  }
  const names = parameters(config).map(({ name }) => name);
  for (const prefix of freeze ?? []) {
    if (!names.some((name) => name.startsWith(prefix))) {
      refuse(
        "freeze",
        prefix,
        `the beginning of parameter names, such as "reformer." or ${JSON.stringify(names[0])}`,
      );
    }
  }
  if (freeze && names.every((name) => freeze.some((prefix) => name.startsWith(prefix)))) {
    refuse("freeze", freeze, "such that some parameters are left to train");
  }
}

async function settingsOf(
  model: TrainedModel,
  parts: { readonly train: readonly Example[]; readonly heldOut: readonly Example[] },
  options: FineTuneOptions,
): Promise<TrainSettings> {
  const {
    heldOut: _,
    freeze,
    classWeights: __,
    patience: ___,
    maskShare: ____,
    targetLength: given,
    ...rest
  } = options;
  const { config } = model;
  const all = [...parts.train, ...parts.heldOut];
  const longest = await longestExample(model, all, options.signal);
  const pair = config.head === "sequence-to-sequence";
  const wanted = options.length ?? longest.length;
  // Whole chunks, so that every position that a softmax over positions sees is one that the model was called with.
  const length = pair ? wanted : roundUpToChunks(config, wanted);
  const settings = resolveTrainOptions(config, { ...rest, length });
  const optimizer = { ...settings.shape.optimizer, frozen: freeze ?? [] };
  const targetLength = pair ? (given ?? longest.targetLength) : undefined;
  if (targetLength !== undefined) pairLengths(config, length, targetLength);
  return { ...settings, shape: { ...settings.shape, optimizer, masked: true, targetLength } };
}
