// Figure 5, right: the time of a step by length at a constant number of tokens.
import { requestDevice } from "../../../src/gpu/gpu.js";
import type { ReformerOptions } from "../../../src/types.js";
import { BenchModel } from "../model.js";
import { inTurns, median, type Row, range } from "../report.js";
import type { Reproduction } from "./reproduction.js";

const ROUNDS = [1, 2, 4, 8] as const;
const NAMES = ["full", ...ROUNDS.map((rounds) => `LSH-${rounds}`)];

const SIZES = {
  gpu: {
    config: { hiddenSize: 1024, numHeads: 8, headSize: 128, feedForwardSize: 4096, vocabSize: 256 },
    tokens: 32_768,
    shortest: 1024,
    samples: 7,
  },
  software: {
    config: { hiddenSize: 64, numHeads: 2, headSize: 32, feedForwardSize: 256, vocabSize: 256 },
    tokens: 4096,
    shortest: 128,
    samples: 3,
  },
} as const;

/** Seconds per step at 32,768 tokens for lengths of 1,024 times 1 to 32, read off the figure to some 10 %. */
const PUBLISHED: Readonly<Record<string, readonly number[]>> = {
  full: [0.17, 0.3, 0.48, 0.97, 1.9, 3.5],
  "LSH-1": [0.1, 0.08, 0.07, 0.07, 0.07, 0.075],
  "LSH-2": [0.15, 0.12, 0.11, 0.105, 0.11, 0.135],
  "LSH-4": [0.2, 0.18, 0.16, 0.165, 0.18, 0.23],
  "LSH-8": [0.32, 0.29, 0.28, 0.29, 0.35, 0.44],
};
const PUBLISHED_SHORTEST = 1024;
const PUBLISHED_TOKENS = 32_768;

export const figure5: Reproduction = async ({ scale, signal, log }) => {
  const { config, tokens, shortest, samples } = SIZES[scale];
  const lengths = Array.from({ length: Math.log2(tokens / shortest) + 1 }, (_, i) => shortest * 2 ** i);
  const device = await requestDevice();
  const measured: { readonly length: number; readonly seconds: number[][] }[] = [];
  try {
    for (const length of lengths) {
      signal.throwIfAborted();
      log(`${length} tokens`);
      const make = (options: ReformerOptions) =>
        BenchModel.create(
          device,
          { ...config, ...options, maxLength: tokens },
          { length, batchSize: tokens / length },
        );
      const models: BenchModel[] = [];
      try {
        models.push(await make({ layers: ["full"] }));
        for (const numHashes of ROUNDS) models.push(await make({ layers: ["lsh"], numHashes }));
        const times = await inTurns(
          models.map((model) => () => model.step()),
          samples,
        );
        measured.push({
          length,
          seconds: times.map((all) => all.map((milliseconds) => milliseconds / 1000)),
        });
      } finally {
        for (const model of models) model.dispose();
      }
    }
  } finally {
    device.destroy();
  }
  const row = (by: string, length: number, all: number, seconds: readonly number[]): Row => ({
    length,
    sequences: all / length,
    by,
    ...Object.fromEntries(NAMES.map((name, i) => [name, seconds[i] as number])),
    "full / LSH-4": (seconds[0] as number) / (seconds[NAMES.indexOf("LSH-4")] as number),
  });
  return {
    tables: [
      {
        title: `Figure 5: seconds per training step of one layer, width ${config.hiddenSize}, ${tokens} tokens a step`,
        rows: measured.map(({ length, seconds }) => row("here", length, tokens, seconds.map(median))),
        notes: [
          `Medians of ${samples}, in turns; widest range ${measured
            .flatMap(({ seconds }) => seconds.map((times) => range(times)))
            .sort()
            .at(-1)} of its median. Chunks of 64.`,
        ],
      },
      {
        title: "The same in the paper (its model, on its accelerator, read off the figure to some 10 %)",
        rows: (PUBLISHED.full ?? []).map((_, i) =>
          row(
            "paper",
            PUBLISHED_SHORTEST * 2 ** i,
            PUBLISHED_TOKENS,
            NAMES.map((name) => PUBLISHED[name]?.[i] as number),
          ),
        ),
      },
    ],
    numbers: { config, tokens, samples, published: PUBLISHED, measured },
  };
};
