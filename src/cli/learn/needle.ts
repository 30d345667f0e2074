// Records scattered through filler, each a key with its value, and questions for keys at the end, thousands of tokens and
// many attention windows later. Only a layer that brings equal keys together from any distance can answer. Trained on up to
// 4,096 tokens, asked in up to 65,536.
import { bucketFactors, type ReformerOptions, resolveConfig } from "../../config/config.js";
import { Random } from "../../random.js";
import { characterTokenizerOf } from "../../text/character-tokenizer.js";
import type { Batch, BatchSource } from "../../text/dataset.js";
import type { TrainOptions } from "../../types.js";
import { keepModel } from "./keep.js";
import { record } from "./record.js";
import { type Hashing, hashingName, TaskModel } from "./task-model.js";

const KEYS = 16;
const VALUES = 16;
const FILLERS = 64;
/** Token ids, after that of what is unknown: a record of each key with each value, the questions, the answers, the fillers. */
const RECORDS = 1;
const QUESTIONS = RECORDS + KEYS * VALUES;
const ANSWERS = QUESTIONS + KEYS;
const FILLER = ANSWERS + VALUES;

/** One record of every key within a part of the text, one question for every key in random order as the last tokens. */
export function needlesWithin(from: number, to: number): BatchSource {
  return {
    batch(step, { batchSize, length }, seed): Batch {
      const random = new Random(seed, 12, step);
      const inputs = Uint32Array.from({ length: batchSize * length }, () => FILLER + random.below(FILLERS));
      const targets = new Int32Array(batchSize * length).fill(-100);
      const first = Math.floor(from * length);
      const after = Math.min(Math.floor(to * length), length - KEYS);
      const places = Uint32Array.from({ length: after - first }, (_, i) => first + i);
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
}

/** Records in the first half: in 4,096 tokens at least 2,000 before their questions. */
export const needles = needlesWithin(0, 0.5);

/** Every token but the unknown one is a letter, so that the model reads text: the first is U+0100. */
const LETTERS = Array.from({ length: FILLER + FILLERS - 1 }, (_, i) => String.fromCodePoint(0x100 + i));
/** What readers of the model need to write such texts. */
const LAYOUT = { keys: KEYS, values: VALUES, fillers: FILLERS, records: RECORDS, firstLetter: 0x100 };

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
  maxLength: 65_536,
  positions: { type: "axial", shape: [256, 256], dims: [32, 32] },
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

/** Where in texts of which lengths records are looked for, with 8 rounds, in so many sequences of 16 questions each. */
const LENGTHS = [4096, 8192, 16_384, 32_768, 65_536];
const DEPTHS = [0, 0.25, 0.5, 0.75];
const LONG = { rounds: 8, sequences: 8, seed: 2000 };

/**
 * Trains, evaluates with several hashings at the longest length of the training, then with records of every depth in texts
 * up to 16 times as long; true where 4 rounds reach the bar.
 */
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
  const files = await model.halve(characterTokenizerOf(LETTERS)); // what is shipped is what is measured
  const batches = Array.from({ length: FRESH.batches }, (_, i) =>
    needles.batch(i, { batchSize: 1, length: LENGTH }, FRESH.seed),
  );
  const table = [];
  for (const hashing of TABLE) {
    const { accuracy, tokens } = await model.evaluate(batches, hashing, signal);
    table.push({ ...hashing, accuracy, tokens });
    console.log(`${hashingName(hashing).padEnd(24)} ${(accuracy * 100).toFixed(2)} % of ${tokens} questions`);
  }
  const depths = await askLong(model, signal);
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
    chanceOfShuffled: chance,
    table,
    long: { ...LONG, depths },
  };
  await keepModel("needle", files, { ...numbers, command: "npm run learn -- needle", tokens: LAYOUT });
  await record(
    "needle",
    { ...numbers, losses },
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

/** Share of right answers by length and by the quarter of the text that the records are in. */
async function askLong(model: TaskModel, signal: AbortSignal) {
  const rows = [];
  for (const length of LENGTHS) {
    const accuracies: number[] = [];
    for (const depth of DEPTHS) {
      const source = needlesWithin(depth, depth + 0.25);
      const batches = Array.from({ length: LONG.sequences }, (_, i) =>
        source.batch(i, { batchSize: 1, length }, LONG.seed),
      );
      const { accuracy } = await model.evaluate(batches, { rounds: LONG.rounds }, signal);
      accuracies.push(accuracy);
    }
    rows.push({ length, accuracies });
    const shares = accuracies.map((share, i) => `from ${DEPTHS[i]}: ${(share * 100).toFixed(1)} %`);
    console.log(`${length} tokens, records ${shares.join(", ")}`);
  }
  return rows;
}
