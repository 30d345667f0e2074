// Dates as people write them to ISO 8601: letters to figures, in another order.
import type { ReformerOptions } from "../../config/config.js";
import type { Random } from "../../random.js";
import { drawDate, LONGEST_DATE } from "./date-forms.js";
import type { TokenPair } from "./seq-data.js";
import { learnPairs } from "./seq-task.js";

const CHARACTERS = " ,-./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const END = CHARACTERS.length;

const encode = (text: string) => Array.from(text, (character) => CHARACTERS.indexOf(character));
const decode = (tokens: readonly number[]) => tokens.map((token) => CHARACTERS[token] ?? "?").join("");

interface DatePair extends TokenPair {
  readonly form: string;
}

function drawPair(random: Random): DatePair {
  const { form, text, date } = drawDate(random);
  return { form, source: encode(text), target: encode(date) };
}

const MODEL: ReformerOptions = {
  head: "sequence-to-sequence",
  vocabSize: CHARACTERS.length + 1,
  eosTokenId: END,
  hiddenSize: 64,
  numHeads: 4,
  headSize: 16,
  feedForwardSize: 128,
  encoderLayers: ["local", "full"],
  layers: ["full", "lsh"],
  localChunkLength: 8,
  localChunksAfter: 1,
  lshChunkLength: 16,
  numHashes: 2,
  numBuckets: 4,
  positions: { type: "axial", shape: [8, 8], dims: [32, 32] },
  maxLength: 64,
  axialInitStd: 0.3,
  initializerRange: 0.1,
};

/** True where at least 99 % of fresh dates are right to the last figure. */
export function learnDates(signal: AbortSignal): Promise<boolean> {
  return learnPairs(
    {
      name: "dates",
      title: "Dates in 20 written forms to ISO 8601",
      config: MODEL,
      stages: [
        {
          draw: drawPair,
          source: LONGEST_DATE,
          target: "2021-03-03".length,
          training: {
            steps: 1200,
            batchSize: 32,
            learningRate: 3e-3,
            schedule: "cosine",
            warmupSteps: 100,
            weightDecay: 0.01,
          },
        },
      ],
      seed: 1,
      bar: 0.99,
      fresh: 1000,
      show: ({ source, target }) => ({ source: decode(source), target: decode(target) }),
      kindOf: (pair) => (pair as DatePair).form,
    },
    signal,
  );
}
