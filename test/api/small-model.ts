/** A model and a text small enough for tests on a software GPU. */
import type { Model, ReformerOptions } from "../../src/types.js";

export const SMALL: ReformerOptions = {
  hiddenSize: 32,
  numHeads: 2,
  headSize: 16,
  feedForwardSize: 64,
  layers: ["local", "lsh"],
  lshChunkLength: 16,
  localChunkLength: 16,
  maxLength: 128,
};

export const TEXT = "The whale swims, the ship follows; the sea says nothing. ".repeat(100);
/** For evaluations, which read all of it. */
export const SHORT = TEXT.slice(0, 300);

export const TRAINING = { steps: 3, length: 64, batchSize: 1, learningRate: 1e-3, evaluateEvery: 0 } as const;

/** Trains to the end; returns the loss of every step. */
export async function trainedLosses(model: Model): Promise<number[]> {
  const losses: number[] = [];
  for await (const { loss } of model.train(TEXT, TRAINING)) losses.push(loss);
  return losses;
}
