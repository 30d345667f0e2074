// Copy-reverse: random strings of 16 to 64 letters, to be written backwards. The source's own positions do not say how far
// a letter is from its end: the encoder must find the end, and the decoder the letter.
import type { ReformerOptions } from "../../config.js";
import type { Random } from "../../random.js";
import type { TokenPair } from "./seq-data.js";
import { learnPairs, type Stage } from "./seq-task.js";

const LETTERS = "abcdefghijklmnopqrstuvwxyz";
const END = LETTERS.length;

const drawLengths =
  (shortest: number, longest: number) =>
  (random: Random): TokenPair => {
    const length = shortest + random.below(longest - shortest + 1);
    const source = Array.from({ length }, () => random.below(LETTERS.length));
    return { source, target: [...source].reverse() };
  };

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
  positions: { type: "axial", shape: [9, 8], dims: [32, 32] },
  maxLength: 72,
  axialInitStd: 0.5,
  initializerRange: 0.1,
};

const TRAINING = { schedule: "cosine", weightDecay: 0.01 } as const;
/** Short strings first: their steps are cheap, and what they teach holds for long ones. */
const STAGES: readonly Stage[] = [
  stage(4, 15, { steps: 700, batchSize: 32, learningRate: 3e-3 }),
  stage(8, 31, { steps: 300, batchSize: 32, learningRate: 2e-3 }),
  stage(16, 64, { steps: 500, batchSize: 16, learningRate: 2e-3 }),
];

function stage(
  shortest: number,
  longest: number,
  training: { steps: number; batchSize: number; learningRate: number },
): Stage {
  const options = { ...TRAINING, ...training, warmupSteps: Math.ceil(training.steps / 10) };
  return { draw: drawLengths(shortest, longest), source: longest, target: longest, training: options };
}

const text = (tokens: readonly number[]) => tokens.map((token) => LETTERS[token] ?? "?").join("");

/** True where at least 99 % of fresh strings are reversed without a mistake. */
export function learnReverse(signal: AbortSignal): Promise<boolean> {
  return learnPairs(
    {
      name: "reverse",
      title: "Copy-reverse, strings of 16 to 64 letters (shorter ones first)",
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
