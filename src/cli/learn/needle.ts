// Records scattered through filler, each a key with its value, and questions for keys at the end, thousands of tokens and
// many attention windows later. Only a layer that brings equal keys together from any distance can answer.
import { bucketFactors, type ReformerOptions, resolveConfig } from "../../config.js";
import { Random } from "../../random.js";
import type { Batch, BatchSource } from "../../text/dataset.js";
import type { TrainOptions } from "../../types.js";
import { record } from "./record.js";
import { type Hashing, hashingName, TaskModel } from "./task-model.js";

const KEYS = 16;
const VALUES = 16;
const FILLERS = 64;
/** Token ids: a record of each key with each value, the questions, the answers, the fillers. */
const RECORDS = 0;
const QUESTIONS = RECORDS + KEYS * VALUES;
const ANSWERS = QUESTIONS + KEYS;
const FILLER = ANSWERS + VALUES;

/** One record of every key within the first half, one question for every key in random order as the last tokens. */
export const needles: BatchSource = {
  batch(step, { batchSize, length }, seed): Batch {
    const random = new Random(seed, 12, step);
    const inputs = Uint32Array.from({ length: batchSize * length }, () => FILLER + random.below(FILLERS));
    const targets = new Int32Array(batchSize * length).fill(-100);
    const places = Uint32Array.from({ length: length / 2 }, (_, place) => place);
    const keys = Uint32Array.from({ length: KEYS }, (_, key) => key);
    for (let end = length; end <= inputs.length; end += length) {
      random.shuffle(places);
      random.shuffle(keys);
      for (const [i, key] of keys.entries()) {
        const value = random.below(VALUES);
        inputs[end - length + (places[i] ?? 0)] = RECORDS + key * VALUES + value;
        inputs[end - KEYS + i] = QUESTIONS + key;
        targets[end - KEYS + i] = ANSWERS + value;
      }
    }
    return { inputs, targets, counted: batchSize * KEYS, batchSize, length };
  },
};

const LENGTH = 4096;

const MODEL: ReformerOptions = {
  vocabSize: FILLER + FILLERS,
  hiddenSize: 64,
  numHeads: 4,
  headSize: 16,
  feedForwardSize: 64,
  layers: ["lsh"],
  lshChunkLength: 32,
  numHashes: 4,
  maxLength: LENGTH,
  positions: { type: "axial", shape: [64, 64], dims: [32, 32] },
  initializerRange: 0.1,
  axialInitStd: 0.01,
};
/** Most is learned on short sequences; the long ones teach to keep records apart among more of everything. */
const PHASES: readonly TrainOptions[] = [
  { steps: 400, batchSize: 16, length: 64, learningRate: 5e-3 },
  { steps: 300, batchSize: 2, length: 512, learningRate: 3e-3 },
  { steps: 300, batchSize: 1, length: LENGTH, learningRate: 2e-3 },
].map((phase) => ({ ...phase, schedule: "cosine", warmupSteps: 50, weightDecay: 0.03 }));
const SEED = 1;
/** Sequences of the evaluations, which training never saw. */
const FRESH = { batches: 32, seed: 1000 };
const BAR = 0.95;
const TABLE: readonly Hashing[] = [
  { rounds: 1 },
  { rounds: 2 },
  { rounds: 4 },
  { rounds: 8 },
  { rounds: "full" },
  { rounds: 4, shuffled: true },
];

/** Trains and evaluates with several hashings at full length; true where 4 rounds reach the bar. */
export async function learnNeedle(signal: AbortSignal): Promise<boolean> {
  const config = resolveConfig(MODEL);
  const model = await TaskModel.create(config, SEED);
  const { description } = model.adapter;
  const losses: [step: number, loss: number][] = [];
  const start = performance.now();
  let before = 0;
  for (const phase of PHASES) {
    for await (const { step, loss } of model.train(needles, { ...phase, signal })) {
      if (step > 1 && step % 10 !== 0) continue;
      losses.push([before + step, loss]);
      if (step % 50 === 0) console.log(`${phase.length} tokens, step ${step}: loss ${loss.toFixed(4)}`);
    }
    before += phase.steps;
  }
  const minutes = (performance.now() - start) / 60_000;
  const batches = Array.from({ length: FRESH.batches }, (_, i) =>
    needles.batch(i, { batchSize: 1, length: LENGTH }, FRESH.seed),
  );
  const table = [];
  for (const hashing of TABLE) {
    const { accuracy, tokens } = await model.evaluate(batches, hashing, signal);
    table.push({ ...hashing, accuracy, tokens });
    console.log(`${hashingName(hashing).padEnd(24)} ${(accuracy * 100).toFixed(2)} % of ${tokens} questions`);
  }
  model.dispose();
  // A record is a candidate by chance in the window of two chunks, in any of the rounds of any head: an upper bound.
  const seen = 1 - (1 - (2 * config.lshChunkLength) / LENGTH) ** (4 * config.numHeads);
  const chance = seen + (1 - seen) / VALUES;
  console.log(`${"4 rounds, by chance".padEnd(24)} ${(chance * 100).toFixed(2)} %`);
  const numbers = {
    adapter: description,
    model: MODEL,
    buckets: bucketFactors(config, LENGTH),
    phases: PHASES,
    seed: SEED,
    minutes,
  };
  await record(
    "needle",
    { ...numbers, chanceOfShuffled: chance, table, losses },
    {
      title: "Records found 2,000 tokens and more away, one LSH layer, 4 rounds",
      x: "step",
      y: "loss (nats per question)",
      curves: [{ label: "training", points: losses }],
      levels: [{ label: "guessing", y: Math.log(VALUES) }],
    },
  );
  return (table.find(({ rounds, shuffled }) => rounds === 4 && !shuffled)?.accuracy ?? 0) >= BAR;
}
