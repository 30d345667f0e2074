// Copy-reverse: random strings of 16 to 64 letters, to be written backwards.
import type { ReformerOptions } from "../../config/config.js";
import type { Random } from "../../random.js";
import type { TrainOptions } from "../../types.js";
import type { TokenPair } from "./seq-data.js";
import { learnPairs, type Stage } from "./seq-task.js";

const LETTERS = "abcdefghijklmnopqrstuvwxyz";
const END = LETTERS.length;

/** Letters of the longest string. */
const LONGEST = 64;

const stage = (shortest: number, longest: number, training: TrainOptions): Stage => ({
  draw: (random: Random): TokenPair => {
    const length = shortest + random.below(longest - shortest + 1);
    const source = Array.from({ length }, () => random.below(LETTERS.length));
    return { source, target: [...source].reverse() };
  },
  source: LONGEST,
  target: longest,
  training: { schedule: "cosine", weightDecay: 0.01, ...training },
});
/** Short strings first: where the last letters are looked for is soon learned, and the others are looked for alike. */
const STAGES: readonly Stage[] = [
  stage(4, 15, { steps: 300, batchSize: 32, learningRate: 4e-3, warmupSteps: 50 }),
  stage(16, LONGEST, { steps: 900, batchSize: 16, learningRate: 3e-3, warmupSteps: 20 }),
];

const MODEL: ReformerOptions = {
  head: "sequence-to-sequence",
  vocabSize: LETTERS.length + 1,
  eosTokenId: END,
  hiddenSize: 64,
  numHeads: 4,
  headSize: 16,
  feedForwardSize: 128,
  encoderLayers: ["full", "full"],
  layers: ["full", "lsh"],
  lshChunkLength: 16,
  numHashes: 2,
  numBuckets: 8,
  // In rows of 12: those of 8 would begin one at the last letter of the longest strings, which few strings have.
  positions: { type: "axial", shape: [6, 12], dims: [32, 32] },
  maxLength: 72,
  axialInitStd: 0.2,
  initializerRange: 0.1,
};

const text = (tokens: readonly number[]) => tokens.map((token) => LETTERS[token] ?? "?").join("");

/** True where at least 99 % of fresh strings are reversed without a mistake. */
export function learnReverse(signal: AbortSignal): Promise<boolean> {
  return learnPairs(
    {
      name: "reverse",
      title: "Copy-reverse, strings of 16 to 64 letters",
      config: MODEL,
      stages: STAGES,
      seed: 1,
      bar: 0.99,
      fresh: 1000,
      show: ({ source, target }) => ({ source: text(source), target: text(target) }),
      kindOf: ({ source }) => {
        const first = 16 * Math.floor(source.length / 16);
        return `${first} to ${first + 15} letters`;
      },
    },
    signal,
  );
}
