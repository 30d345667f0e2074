// Long sequences: how time and memory of a training step grow to 65,536 tokens, and one step of 1,048,576.
import { planMemory } from "../../src/plan-memory.js";
import type { ReformerOptions } from "../../src/types.js";
import type { Scale } from "../self-test/benchmark.js";
import { BenchModel } from "./model.js";
import { type Bench, inTurns, median, type Row, type RunBench, range, type Table } from "./report.js";

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
const LENGTHS = [1024, 2048, 4096, 8192, 16_384, 32_768, 65_536];
const LONGEST = 1_048_576;
const ROUNDS = 2;
const MIB = 2 ** 20;
/** Milliseconds that the samples of all lengths take together, about. */
const BUDGET = 300_000;

function modelOf(scale: Scale, maxLength: number) {
  const { config, depth } = SIZES[scale];
  const layers = Array.from({ length: depth }, (_, i) => (i % 2 ? ("lsh" as const) : ("local" as const)));
  const options: ReformerOptions = { ...config, layers, numHashes: ROUNDS, maxLength };
  const what = `${depth} layers of width ${config.hiddenSize}, local and LSH in turn, ${ROUNDS} rounds, one sequence`;
  return { options, what };
}

/** What is planned for a step, and what the buffers of a model take that ran one. */
function memory(device: GPUDevice, options: ReformerOptions, length: number, { opened }: BenchModel): Row {
  const { total, streams, workspace } = planMemory(options, { length }, device.limits);
  const { peakBytes } = opened.gpu;
  return {
    "MiB planned": total / MIB,
    "MiB at most": peakBytes / MIB,
    "activations, bytes per token": (streams + workspace) / length,
  };
}

/** A table of `npm run bench:scaling`. */
export async function stepByLength({ device, scale, log }: Bench): Promise<Table> {
  const { options, what } = modelOf(scale, Math.max(...LENGTHS));
  const models: BenchModel[] = [];
  try {
    for (const length of LENGTHS) {
      log(`${length} tokens`);
      models.push(await BenchModel.create(device, options, { length }));
    }
    const steps = models.map((model) => () => model.step());
    const times = await inTurns(steps, SIZES[scale].samples, BUDGET);
    const rows = LENGTHS.map((length, i) => {
      const [ms, before] = [median(times[i] as number[]), median(times[i - 1] ?? [])];
      return {
        tokens: length,
        ms,
        "over half as long": before === undefined ? "" : ms / before,
        "tokens per second": (1000 * length) / ms,
        ...memory(device, options, length, models[i] as BenchModel),
        range: range(times[i] as number[]),
      };
    });
    const samples = times[0]?.length;
    return {
      title: `Training step by length: ${what}`,
      rows,
      notes: [`Medians of ${samples}, in turns; ranges are shares of the median.`],
    };
  } finally {
    for (const model of models) model.dispose();
  }
}

export const benchLong: RunBench = async function* ({ device, scale, log }) {
  const { options, what } = modelOf(scale, LONGEST);
  log(`${LONGEST} tokens`);
  const model = await BenchModel.create(device, options, { length: LONGEST });
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
          ...memory(device, options, LONGEST, model),
        },
      ],
    };
  } finally {
    model.dispose();
  }
};
