// What hashing costs in quality: the model of the contest in `npm run bench:peers`, once with local and LSH layers in turn and
// once with full attention in every layer, on the same batches of the book for the same steps, by held-out loss.

import type { LayerKind } from "../../config/fields.js";
import { Engine } from "../../engine/engine.js";
import { memoryStore } from "../../io/memory-store.js";
import type { ReformerOptions, TrainOptions } from "../../types.js";
import { BOOK, readBook } from "../book.js";
import { record } from "./record.js";

const LENGTH = 1024;
const DEPTH = 6;
const MODEL: Omit<ReformerOptions, "layers"> = {
  vocabSize: 256,
  hiddenSize: 64,
  numHeads: 4,
  headSize: 16,
  feedForwardSize: 256,
  localChunkLength: 64,
  lshChunkLength: 64,
  numHashes: 2,
  maxLength: LENGTH,
  initializerRange: 0.05,
  axialInitStd: 0.05,
};
const TRAINING: TrainOptions = {
  steps: 600,
  batchSize: 1,
  length: LENGTH,
  learningRate: 3e-3,
  schedule: "cosine",
  warmupSteps: 50,
  evaluateEvery: 100,
  evaluateTokens: 16_384,
};
const KINDS: Readonly<Record<string, LayerKind[]>> = {
  "local, LSH": Array.from({ length: DEPTH }, (_, i) => (i % 2 === 0 ? "local" : "lsh")),
  full: Array.from({ length: DEPTH }, () => "full"),
};
const SEEDS = [1, 2];
/** At most so many times the held-out loss of full attention. */
const BAR = 1.02;

interface Run {
  readonly layers: string;
  readonly seed: number;
  readonly minutes: number;
  readonly points: readonly { readonly step: number; readonly heldOut: number }[];
}

/** Trains both models with every seed; true where the mean held-out loss with hashing is within the bar of full attention's. */
export async function learnAttention(signal: AbortSignal): Promise<boolean> {
  const text = await readBook();
  const runs: Run[] = [];
  let adapter = "";
  for (const seed of SEEDS) {
    for (const [name, layers] of Object.entries(KINDS)) {
      const model = await Engine.create(
        { ...MODEL, layers },
        { seed, openStore: async () => memoryStore(), signal },
      );
      adapter = (await model.describe()).adapter.description;
      const start = performance.now();
      const points: { step: number; heldOut: number }[] = [];
      for await (const { step, heldOut } of model.train(text, { ...TRAINING, signal })) {
        if (!heldOut) continue;
        points.push({ step, heldOut: heldOut.bitsPerCharacter });
        console.log(
          `${name}, seed ${seed}, step ${step}: ${heldOut.bitsPerCharacter.toFixed(4)} bits per character held out`,
        );
      }
      await model.dispose();
      runs.push({ layers: name, seed, minutes: (performance.now() - start) / 60_000, points });
    }
  }
  const meanOf = (name: string) => {
    const ends = runs.filter(({ layers }) => layers === name).map(({ points }) => points.at(-1)?.heldOut);
    return ends.reduce<number>((sum, end) => sum + (end ?? Number.NaN), 0) / ends.length;
  };
  const [hashed, full] = Object.keys(KINDS).map(meanOf) as [number, number];
  const result = { hashed, full, ratio: hashed / full };
  console.log(`held-out bits per character, mean of ${SEEDS.length} seeds: ${JSON.stringify(result)}`);
  const numbers = {
    adapter,
    text: BOOK,
    model: MODEL,
    layers: KINDS,
    training: TRAINING,
    seeds: SEEDS,
    command: "npm run learn -- attention",
    result,
    runs,
  };
  await record("attention", numbers, {
    title: "Moby Dick, last tenth held out: hashing beside full attention",
    x: "step",
    y: "bits per character",
    curves: runs.map(({ layers, seed, points }) => ({
      label: `${layers}, seed ${seed}`,
      points: points.map(({ step, heldOut }) => [step, heldOut] as const),
    })),
  });
  return result.ratio <= BAR;
}
