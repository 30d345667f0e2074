// Very long sequences: how time and memory of a training step grow to 65,536 tokens, and one step of 1,048,576.
import { planMemory } from "../../src/plan-memory.js";
import type { ReformerOptions } from "../../src/types.js";
import { BenchModel } from "./model.js";
import { inTurns, median, type Row, type RunBench, range } from "./report.js";

const SIZES = {
  gpu: {
    config: { hiddenSize: 256, numHeads: 4, headSize: 64, feedForwardSize: 1024, vocabSize: 256 },
    depth: 6,
    samples: 7,
  },
  software: {
    config: { hiddenSize: 64, numHeads: 2, headSize: 32, feedForwardSize: 256, vocabSize: 256 },
    depth: 2,
    samples: 9,
  },
} as const;
const LENGTHS = [4096, 8192, 16_384, 32_768, 65_536];
const LONGEST = 1_048_576;
const ROUNDS = 2;
const MIB = 2 ** 20;

export const benchLong: RunBench = async function* ({ device, scale, log }) {
  const { config, depth, samples } = SIZES[scale];
  const layers = Array.from({ length: depth }, (_, i) => (i % 2 ? ("lsh" as const) : ("local" as const)));
  const of = (maxLength: number): ReformerOptions => ({ ...config, layers, numHashes: ROUNDS, maxLength });
  const what = `${depth} layers of width ${config.hiddenSize}, local and LSH in turn, ${ROUNDS} rounds, one sequence`;
  const longest = Math.max(...LENGTHS);

  /** What is planned, and what the buffers of a model take that ran a step. */
  const memory = (options: ReformerOptions, length: number, { opened }: BenchModel): Row => {
    const { total, streams, workspace } = planMemory(options, { length }, device.limits);
    const { peakBytes } = opened.gpu;
    return {
      "MiB planned": total / MIB,
      "MiB at most": peakBytes / MIB,
      "activations, bytes per token": (streams + workspace) / length,
    };
  };

  const models: BenchModel[] = [];
  const rows: Row[] = [];
  try {
    for (const length of LENGTHS) {
      log(`${length} tokens`);
      models.push(await BenchModel.create(device, of(longest), { length }));
    }
    const times = await inTurns(
      models.map((model) => () => model.step()),
      samples,
    );
    for (const [i, length] of LENGTHS.entries()) {
      const [ms, before] = [median(times[i] as number[]), median(times[i - 1] ?? [])];
      rows.push({
        tokens: length,
        ms,
        "over half as long": before === undefined ? "" : ms / before,
        "tokens per second": (1000 * length) / ms,
        ...memory(of(longest), length, models[i] as BenchModel),
        range: range(times[i] as number[]),
      });
    }
  } finally {
    for (const model of models) model.dispose();
  }
  yield {
    title: `Training step by length: ${what}`,
    rows,
    notes: [`Medians of ${samples}, in turns; ranges are shares of the median.`],
  };

  log(`${LONGEST} tokens`);
  const model = await BenchModel.create(device, of(LONGEST), { length: LONGEST });
  try {
    const start = performance.now();
    await model.step();
    const ms = performance.now() - start;
    yield {
      title: `Forward, backward and update at ${LONGEST.toLocaleString("en-US")} tokens: ${what}`,
      rows: [
        {
          seconds: ms / 1000,
          "tokens per second": (1000 * LONGEST) / ms,
          ...memory(of(LONGEST), LONGEST, model),
        },
      ],
    };
  } finally {
    model.dispose();
  }
};
