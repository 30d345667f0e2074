// The bundled book: held-out bits per character against steps, beside count models fitted on the same part of the text and
// compressors, and what the LSH layer contributes. The model becomes one that the page ships.
import { Engine } from "../../engine/engine.js";
import { memoryStore } from "../../io/memory-store.js";
import { countModelBitsPerChar } from "../../text/count-model.js";
import { splitText } from "../../text/dataset.js";
import type { ReformerOptions, TrainOptions } from "../../types.js";
import { BOOK, readBook } from "../book.js";
import { compressors } from "./compressors.js";
import { keepModel } from "./keep.js";
import { record } from "./record.js";

const MODEL: ReformerOptions = {
  hiddenSize: 128,
  numHeads: 4,
  headSize: 32,
  feedForwardSize: 256,
  layers: ["local", "lsh"],
  localChunkLength: 32,
  lshChunkLength: 32,
  numHashes: 2,
  maxLength: 1024,
  initializerRange: 0.05,
  axialInitStd: 0.05,
};
const TRAINING: TrainOptions = {
  steps: 1200,
  batchSize: 4,
  length: 512,
  learningRate: 3e-3,
  schedule: "cosine",
  warmupSteps: 50,
  evaluateEvery: 100,
  evaluateTokens: 8192,
};
const VOCABULARY = 1024;
const SEED = 1;
/** Characters that count models look back, and what they add to every count: the best of 0.01 and 0.1 on the held-out text. */
const COUNT_MODELS = [
  { order: 2, add: 0.01 },
  { order: 3, add: 0.01 },
];

/** Trains on the first 90 % of the book and measures on the rest; true where it beats all counts and compressors. */
export async function learnBook(signal: AbortSignal): Promise<boolean> {
  const { train, heldOut } = splitText(await readBook());
  const counted = COUNT_MODELS.map(({ order, add }) => ({
    order,
    bitsPerCharacter: countModelBitsPerChar(train, heldOut, order, add),
  }));
  const compressed = await compressors(train, heldOut);
  const bar = Math.min(
    ...counted.map(({ bitsPerCharacter }) => bitsPerCharacter),
    ...compressed.map(({ afterTraining }) => afterTraining),
  );
  const model = await Engine.create(MODEL, {
    seed: SEED,
    text: train, // the pieces of the vocabulary, too, come from the training part alone
    tokenizer: { type: "bpe", vocabSize: VOCABULARY },
    openStore: async () => memoryStore(),
    signal,
  });
  const { adapter, parameters } = await model.describe();
  console.log(
    `${adapter.description}: ${parameters} parameters; best of counts and compressors ${bar.toFixed(4)} bits per character`,
  );
  const start = performance.now();
  const minutes = () => (performance.now() - start) / 60_000;
  const points: { step: number; minutes: number; train: number; heldOut: number }[] = [];
  let sum = 0;
  let count = 0;
  for await (const s of model.train(train + heldOut, { ...TRAINING, signal })) {
    sum += s.bitsPerCharacter;
    count++;
    if (!s.heldOut) continue;
    points.push({
      step: s.step,
      minutes: minutes(),
      train: sum / count,
      heldOut: s.heldOut.bitsPerCharacter,
    });
    sum = 0;
    count = 0;
    console.log(
      `step ${s.step}: ${s.heldOut.bitsPerCharacter.toFixed(4)} held out, ${minutes().toFixed(1)} min, ${Math.round(s.tokensPerSecond)} tokens/s`,
    );
  }
  const trainedMinutes = minutes();
  const files = await model.files({ dtype: "float16" });
  await model.dispose();
  // What is shipped is what is measured.
  const shipped = await Engine.load({ files }, { openStore: async () => memoryStore(), signal });
  const whole = await shipped.evaluate(heldOut, { signal });
  const withoutLsh = await shipped.evaluate(heldOut, { lsh: false, signal });
  await shipped.dispose();
  const result = {
    heldOut: whole.bitsPerCharacter,
    heldOutWithLshZeroed: withoutLsh.bitsPerCharacter,
    counted,
    compressed,
    minutes: trainedMinutes,
  };
  console.log(`all held-out text, bits per character: ${JSON.stringify(result)}`);
  const numbers = {
    adapter: adapter.description,
    parameters,
    text: BOOK,
    model: MODEL,
    training: TRAINING,
    seed: SEED,
    vocabulary: VOCABULARY,
    command: "npm run learn -- book",
    result,
    points,
  };
  await keepModel("writer", files, numbers);
  await record("book", numbers, {
    title: "Moby Dick, last tenth held out",
    x: "step",
    y: "bits per character",
    curves: [
      { label: "held out", points: points.map((p) => [p.step, p.heldOut]) },
      { label: "training", points: points.map((p) => [p.step, p.train]) },
    ],
    levels: [{ label: "best of counts and compressors", y: bar }],
  });
  return whole.bitsPerCharacter < bar;
}
