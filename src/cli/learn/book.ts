// The bundled book: held-out bits per character against steps, beside a count model of character trigrams fitted on the
// same part of the text, and what the LSH layer contributes to it.
import { Engine } from "../../engine.js";
import { memoryStore } from "../../io/memory-store.js";
import { countModelBitsPerChar } from "../../text/count-model.js";
import { splitText } from "../../text/dataset.js";
import type { ReformerOptions, TrainOptions } from "../../types.js";
import { readBook } from "../book.js";
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
  steps: 400,
  batchSize: 4,
  length: 512,
  learningRate: 3e-3,
  schedule: "cosine",
  warmupSteps: 50,
  evaluateEvery: 50,
  evaluateTokens: 8192,
};
const VOCABULARY = 1024;
const SEED = 1;
const ADD = 0.1;

/** Trains on the first 90 % of the book and measures on the rest; true where it beats the trigrams. */
export async function learnBook(signal: AbortSignal): Promise<boolean> {
  const { train, heldOut } = splitText(await readBook());
  const trigrams = countModelBitsPerChar(train, heldOut, 2, ADD);
  const model = await Engine.create(MODEL, {
    seed: SEED,
    text: train, // the pieces of the vocabulary, too, come from the training part alone
    tokenizer: { type: "bpe", vocabSize: VOCABULARY },
    openStore: async () => memoryStore(),
    signal,
  });
  const { adapter, parameters } = await model.describe();
  console.log(
    `${adapter.description}: ${parameters} parameters; trigrams ${trigrams.toFixed(4)} bits per character`,
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
  const whole = await model.evaluate(heldOut, { signal });
  const withoutLsh = await model.evaluate(heldOut, { lsh: false, signal });
  await model.dispose();
  console.log(
    `all held-out text: ${whole.bitsPerCharacter.toFixed(4)} bits per character, LSH output zeroed ${withoutLsh.bitsPerCharacter.toFixed(4)}, trigrams ${trigrams.toFixed(4)}`,
  );
  const result = {
    heldOut: whole.bitsPerCharacter,
    heldOutWithLshZeroed: withoutLsh.bitsPerCharacter,
    trigrams,
    minutes: trainedMinutes,
  };
  const numbers = { adapter: adapter.description, parameters, model: MODEL, training: TRAINING, seed: SEED };
  await record(
    "book",
    { ...numbers, vocabulary: VOCABULARY, result, points },
    {
      title: "Moby Dick, last tenth held out",
      x: "step",
      y: "bits per character",
      curves: [
        { label: "held out", points: points.map((p) => [p.step, p.heldOut]) },
        { label: "training", points: points.map((p) => [p.step, p.train]) },
      ],
      levels: [{ label: "trigram counts", y: trigrams }],
    },
  );
  return whole.bitsPerCharacter < trigrams;
}
