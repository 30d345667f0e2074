// From which length on is LSH attention the faster one? Below it `fullAttentionBelow` is worth setting.
import type { ReformerOptions } from "../../src/types.js";
import { BenchModel } from "./model.js";
import { inTurns, median, type Row, type RunBench } from "./report.js";

const SIZES = {
  gpu: {
    config: { hiddenSize: 256, numHeads: 4, headSize: 64, feedForwardSize: 1024, vocabSize: 256 },
    lengths: [64, 128, 256, 512, 1024, 2048, 4096],
    tokens: 16_384,
    samples: 7,
  },
  software: {
    config: { hiddenSize: 64, numHeads: 2, headSize: 32, feedForwardSize: 256, vocabSize: 256 },
    lengths: [128, 256, 512, 1024, 2048],
    tokens: 2048,
    samples: 3,
  },
} as const;
const ROUNDS = [1, 2, 4];

export const benchCrossover: RunBench = async function* ({ device, scale, log }) {
  const { config, lengths, tokens, samples } = SIZES[scale];
  const rows: Row[] = [];
  for (const length of lengths) {
    log(`${length} tokens`);
    const make = (options: ReformerOptions) =>
      BenchModel.create(
        device,
        { ...config, ...options, maxLength: tokens },
        { length, batchSize: tokens / length },
      );
    const models = [await make({ layers: ["full"] })];
    for (const numHashes of ROUNDS) models.push(await make({ layers: ["lsh"], numHashes }));
    const times = await inTurns(
      models.map((model) => () => model.step()),
      samples,
    );
    for (const model of models) model.dispose();
    const [full = Number.NaN, ...lsh] = times.map(median);
    const ratios = ROUNDS.map((rounds, i) => [`${rounds} rounds`, (lsh[i] ?? Number.NaN) / full]);
    rows.push({ tokens: length, ...Object.fromEntries(ratios) });
  }
  yield {
    title: `Training step of one LSH layer over that of one full layer, ${tokens} tokens a step (below 1: LSH is faster)`,
    rows,
    notes: ["`fullAttentionBelow` is the length below which LSH and local layers attend fully."],
  };
};
