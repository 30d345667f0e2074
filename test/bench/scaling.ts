// How time and memory of a training step grow with length, depth and rounds.
import type { ReformerOptions } from "../../src/types.js";
import { stepByLength } from "./long.js";
import { BenchModel } from "./model.js";
import { inTurns, median, type Row, type RunBench, range } from "./report.js";

const SIZES = {
  gpu: {
    config: { hiddenSize: 256, numHeads: 4, headSize: 64, feedForwardSize: 1024, vocabSize: 256 },
    lengths: [1024, 2048, 4096, 8192, 16_384, 32_768, 65_536],
    tokens: 65_536,
    depthLength: 8192,
    depths: [2, 6, 12, 24],
    samples: 7,
  },
  software: {
    config: { hiddenSize: 64, numHeads: 2, headSize: 32, feedForwardSize: 256, vocabSize: 256 },
    lengths: [256, 512, 1024, 2048, 4096],
    tokens: 4096,
    depthLength: 512,
    depths: [2, 6, 12, 24],
    samples: 5,
  },
} as const;
const ROUNDS = [1, 2, 4, 8];
const MIB = 2 ** 20;

export const benchScaling: RunBench = async function* (bench) {
  yield await stepByLength(bench);
  const { device, scale, log } = bench;
  const { config, lengths, tokens, depthLength, depths, samples } = SIZES[scale];
  const maxLength = Math.max(...lengths);
  const of = (options: ReformerOptions): ReformerOptions => ({
    ...config,
    maxLength,
    numHashes: 4,
    ...options,
  });
  const make = (
    options: ReformerOptions,
    length: number,
    more: { batchSize?: number; backward?: "stored" } = {},
  ) => BenchModel.create(device, of(options), { length, ...more });

  async function compared(
    models: readonly BenchModel[],
    run: (model: BenchModel) => Promise<void> = (model) => model.step(),
  ): Promise<number[][]> {
    try {
      return await inTurns(
        models.map((model) => () => run(model)),
        samples,
      );
    } finally {
      for (const model of models) model.dispose();
    }
  }

  const byLength: Row[] = [];
  for (const length of lengths) {
    log(`length ${length}`);
    const batchSize = tokens / length;
    const models = [
      await make({ layers: ["lsh", "lsh"] }, length, { batchSize }),
      await make({ layers: ["full", "full"] }, length, { batchSize }),
    ];
    const bytes = models.map((model) => model.bytes);
    const [lsh = [], full = []] = await compared(models);
    byLength.push({
      tokens: length,
      sequences: batchSize,
      "LSH ms": median(lsh),
      "full ms": median(full),
      "full / LSH": median(full) / median(lsh),
      "LSH MiB": (bytes[0] as number) / MIB,
      "full MiB": (bytes[1] as number) / MIB,
      ranges: `${range(lsh)}, ${range(full)}`,
    });
  }
  yield {
    title: `Training step of 2 layers at ${tokens} tokens per step, LSH (4 rounds, chunks of 64) and full attention of this engine`,
    rows: byLength,
    notes: [
      `Medians of ${samples}, in turns; ranges are shares of the median. Both attend without storing scores.`,
    ],
  };

  const byDepth: Row[] = [];
  for (const depth of depths) {
    log(`depth ${depth}`);
    const layers = Array.from({ length: depth }, (_, i) => (i % 2 ? ("lsh" as const) : ("local" as const)));
    const models = [
      await make({ layers }, depthLength),
      await make({ layers }, depthLength, { backward: "stored" }),
    ];
    const bytes = models.map((model) => model.bytes);
    const [reversible = [], stored = []] = await compared(models);
    byDepth.push({
      layers: depth,
      "reversible ms": median(reversible),
      "stored ms": median(stored),
      "reversible / stored": median(reversible) / median(stored),
      "reversible MiB": (bytes[0] as number) / MIB,
      "stored MiB": (bytes[1] as number) / MIB,
    });
  }
  yield {
    title: `Training step of ${depthLength} tokens by depth, local and LSH layers in turn: reversible and stored activations`,
    rows: byDepth,
  };

  log("rounds");
  const models: BenchModel[] = [];
  for (const numHashes of ROUNDS) models.push(await make({ layers: ["lsh", "lsh"], numHashes }, depthLength));
  const bytes = models.map((model) => model.bytes);
  const times = await compared(models);
  yield {
    title: `Training step of ${depthLength} tokens, 2 LSH layers, by rounds`,
    rows: ROUNDS.map((rounds, i) => ({
      rounds,
      ms: median(times[i] as number[]),
      "over 1 round": median(times[i] as number[]) / median(times[0] as number[]),
      MiB: (bytes[i] as number) / MIB,
    })),
  };
};
