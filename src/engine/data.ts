// What a run learns from, and how its held-out part is measured.
import type { ReformerConfig } from "../config/config.js";
import { ConfigError } from "../errors.js";
import { hasAccuracy } from "../layers/heads.js";
import { type EncodedExample, ExampleSource } from "../tasks/examples.js";
import { MaskedSource, maskWindows } from "../tasks/masking.js";
import { type BatchSource, TokenDataset } from "../text/dataset.js";
import type { Tokenizer } from "../text/tokenizer.js";
import type { Trainer } from "../train/trainer.js";
import type { ProgressEvent, TrainStep } from "../types.js";
import type { TrainSettings } from "./options.js";

export type HeldOut = NonNullable<TrainStep["heldOut"]>;

export interface TrainingData extends BatchSource {
  /** Loss on what is never trained on. */
  evaluate(trainer: Trainer, signal: AbortSignal | undefined): Promise<HeldOut>;
  /** Of a mean loss in nats per target. */
  bitsPerCharacter(loss: number): number;
}

interface LearningModel {
  readonly config: ReformerConfig;
  readonly tokenizer: Tokenizer;
  readonly seed: number;
  readonly onProgress?: ((event: ProgressEvent) => void) | undefined;
}

/**
 * A text: its next tokens, or with a masked language model its hidden ones.
 * @throws {ConfigError} where the model has another head; {TextError} where the text is too short
 */
export async function textData(
  { config, tokenizer, seed, onProgress }: LearningModel,
  text: string,
  settings: TrainSettings,
  signal: AbortSignal | undefined,
): Promise<TrainingData> {
  needLanguageModel(config, "train()");
  const { heldOut, stride } = settings;
  const dataset = await TokenDataset.fromText(text, tokenizer, {
    ...{ heldOut, stride, signal },
    onProgress: onProgress && ((progress) => onProgress({ phase: "encode", ...progress })),
  });
  const { batchSize, length } = settings.shape;
  dataset.batch(0, { batchSize, length });
  const masked = config.head === "masked-language-model";
  const source: BatchSource = masked ? new MaskedSource(config, dataset) : dataset;
  return {
    batch: (step, shape, key) => source.batch(step, shape, key),
    async evaluate(trainer, stop) {
      const windows = dataset.heldOutWindows(
        { batchSize, length },
        Math.ceil(settings.evaluateTokens / length),
      );
      const batches = masked ? maskWindows(config, windows, seed) : windows;
      const { loss } = await trainer.evaluate(batches, { signal: stop });
      return { loss, bitsPerCharacter: dataset.bitsPerCharacter(loss) };
    },
    bitsPerCharacter: (loss) => dataset.bitsPerCharacter(loss),
  };
}

/** @throws {ConfigError} where the head predicts no tokens */
export function needLanguageModel({ head }: ReformerConfig, call: string): void {
  if (head === "language-model" || head === "masked-language-model") return;
  throw new ConfigError(
    `${call} needs a language model, but this model's head is ${head}: use fineTune() with examples, or replaceHead().`,
    { field: "head" },
  );
}

/** @throws {ConfigError} where the head does not learn from examples */
export function needExamples({ head }: ReformerConfig, call: string): void {
  if (head !== "language-model" && head !== "none") return;
  throw new ConfigError(
    `${call} needs a head that learns from examples, but this model's is ${head}: use replaceHead(), or train() with a text.`,
    { field: "head" },
  );
}

/** Examples, to train on and held out. */
export function exampleData(
  { config, seed }: LearningModel,
  train: readonly EncodedExample[],
  heldOut: readonly EncodedExample[],
  maskShare: number,
  shape: { readonly batchSize: number; readonly length: number },
): TrainingData {
  const source = new ExampleSource(config, train, maskShare);
  const measured = new ExampleSource(config, heldOut, maskShare);
  return {
    batch: (step, wanted, key) => source.batch(step, wanted, key),
    async evaluate(trainer, signal) {
      const { loss, accuracy } = await trainer.evaluate(measured.inOrder(shape, seed), { signal });
      const bitsPerCharacter = bits(loss);
      return hasAccuracy(config) ? { loss, bitsPerCharacter, accuracy } : { loss, bitsPerCharacter };
    },
    bitsPerCharacter: bits,
  };
}

/** Per target: a label stands for one character here. */
const bits = (loss: number) => loss / Math.LN2;
