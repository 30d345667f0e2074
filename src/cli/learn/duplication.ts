// The paper's duplication task (section 5): 0 w 0 w, and the model must write the second w. Every symbol is drawn
// afresh, so the only way is to look half a sequence back; a single LSH layer has nothing else to look with.
import { bucketFactors, type ReformerOptions, resolveConfig } from "../../config/config.js";
import { Random } from "../../random.js";
import type { Batch, BatchSource } from "../../text/dataset.js";
import type { TrainOptions } from "../../types.js";
import { type Picture, record } from "./record.js";
import { type Hashing, hashingName, TaskModel } from "./task-model.js";

/** Symbols 1…SYMBOLS; 0 separates. */
const SYMBOLS = 127;

/** Sequences 0 w 0 w with targets in the second half only. */
export const duplication: BatchSource = {
  batch(step, { batchSize, length }, seed): Batch {
    const random = new Random(seed, 11, step);
    const half = length / 2;
    const inputs = new Uint32Array(batchSize * length);
    const targets = new Int32Array(batchSize * length).fill(-100);
    for (let start = 0; start < inputs.length; start += length) {
      for (let i = 1; i < half; i++) {
        const symbol = 1 + random.below(SYMBOLS);
        inputs[start + i] = symbol;
        inputs[start + half + i] = symbol;
        targets[start + half + i - 1] = symbol;
      }
    }
    return { inputs, targets, counted: batchSize * (half - 1), batchSize, length };
  },
};

const LENGTH = 128;

const MODEL: ReformerOptions = {
  vocabSize: SYMBOLS + 1,
  hiddenSize: 64,
  numHeads: 2,
  headSize: 32,
  feedForwardSize: 64,
  layers: ["lsh"],
  lshChunkLength: 16,
  numHashes: 4,
  numBuckets: 16,
  acrossBuckets: false,
  duplicates: "once",
  positions: { type: "learned", maxLength: LENGTH },
  maxLength: LENGTH,
  initializerRange: 0.1,
};
const TRAINING: TrainOptions & { readonly length: number } = {
  steps: 1000,
  batchSize: 8,
  length: LENGTH,
  learningRate: 5e-3,
  schedule: "cosine",
  warmupSteps: 100,
  weightDecay: 0.1,
};
/** What the experiment trains, and how. */
export const DUPLICATION = { model: MODEL, training: TRAINING } as const;
const SEED = 1;
/** Sequences of the evaluations, which training never saw. */
const FRESH = { batches: 4, batchSize: 16, seed: 1000 };
const BAR = 0.99;
const TABLE: readonly Hashing[] = [
  { rounds: 1 },
  { rounds: 2 },
  { rounds: 4 },
  { rounds: 8 },
  { rounds: "full" },
  { rounds: 4, shuffled: true },
];

/**
 * Accuracy of a model that finds its key only where it happens to share a bucket, in one of the rounds of one of the
 * heads, and guesses otherwise.
 */
function chance(buckets: number, tries: number): number {
  const found = 1 - (1 - 1 / buckets) ** tries;
  return found + (1 - found) / SYMBOLS;
}

/** Trains one LSH layer with 4 rounds and evaluates it with others; true where 4 rounds reach the bar. */
export async function learnDuplication(signal: AbortSignal): Promise<boolean> {
  const config = resolveConfig(MODEL);
  const model = await TaskModel.create(config, SEED);
  const { description } = model.adapter;
  const losses: [step: number, loss: number][] = [];
  const start = performance.now();
  for await (const { step, loss } of model.train(duplication, { ...TRAINING, signal })) {
    if (step > 1 && step % 20 !== 0) continue;
    losses.push([step, loss]);
    if (step % 100 === 0) console.log(`step ${step}: loss ${loss.toFixed(4)}`);
  }
  const minutes = (performance.now() - start) / 60_000;
  const batches = Array.from({ length: FRESH.batches }, (_, i) =>
    duplication.batch(i, { batchSize: FRESH.batchSize, length: LENGTH }, FRESH.seed),
  );
  const table = [];
  for (const hashing of TABLE) {
    const { accuracy, tokens } = await model.evaluate(batches, hashing, signal);
    table.push({ ...hashing, accuracy, tokens });
    console.log(`${hashingName(hashing).padEnd(24)} ${(accuracy * 100).toFixed(2)} % of ${tokens} tokens`);
  }
  model.dispose();
  const buckets = bucketFactors(config, LENGTH).reduce((a, b) => a * b, 1);
  const expected = chance(buckets, 4 * config.numHeads);
  console.log(`${"4 rounds, by chance".padEnd(24)} ${(expected * 100).toFixed(2)} %`);
  const numbers = { adapter: description, model: MODEL, training: TRAINING, seed: SEED, minutes };
  const picture: Picture = {
    title: "Duplication, one LSH layer, 4 rounds, 128 tokens",
    x: "step",
    y: "loss (nats per token)",
    curves: [{ label: "training", points: losses }],
    levels: [{ label: "guessing", y: Math.log(SYMBOLS) }],
  };
  await record("duplication", { ...numbers, chanceOfShuffled: expected, table, losses }, picture);
  return (table.find(({ rounds, shuffled }) => rounds === 4 && !shuffled)?.accuracy ?? 0) >= BAR;
}
