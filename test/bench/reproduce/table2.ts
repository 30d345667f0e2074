// Table 2: the duplication task, trained with one kind of attention and evaluated with every other.

import { DUPLICATION, duplication } from "../../../src/cli/learn/duplication.js";
import { TaskModel } from "../../../src/cli/learn/task-model.js";
import { type ReformerConfig, resolveConfig } from "../../../src/config/config.js";
import { parameters } from "../../../src/model/parameters.js";
import type { Batch } from "../../../src/text/dataset.js";
import type { ReformerOptions, TrainOptions } from "../../../src/types.js";
import type { Row } from "../report.js";
import type { Reproduction, Setting } from "./reproduction.js";

type Attention = number | "full";

const TRAINED: readonly Attention[] = ["full", 4, 2, 1];
const EVALUATED: readonly Attention[] = ["full", 8, 4, 2, 1];

/** Accuracies in percent, by what was trained, in the order of EVALUATED. */
const PUBLISHED: Readonly<Record<string, readonly number[]>> = {
  full: [100, 94.8, 92.5, 76.9, 52.5],
  "LSH-4": [0.8, 100, 99.9, 99.4, 91.9],
  "LSH-2": [0.8, 100, 99.9, 98.1, 86.8],
  "LSH-1": [0.8, 99.9, 99.6, 94.8, 77.9],
};

const nameOf = (attention: Attention) => (attention === "full" ? "full" : `LSH-${attention}`);

interface Size {
  readonly model: ReformerOptions;
  readonly training: TrainOptions & { readonly length: number };
}

const SEED = 1;
const FRESH = { batches: 4, batchSize: 16, seed: 1000 };

/** The paper's sequences of 1,024 and width of 256 on a GPU, for a tenth of its 150,000 steps. */
function sizeOf({ scale, steps }: Setting): Size {
  const { model, training } = DUPLICATION;
  if (scale === "software") return { model, training: { ...training, steps: steps ?? training.steps } };
  const length = 1024;
  return {
    model: {
      ...model,
      ...{ hiddenSize: 256, numHeads: 4, headSize: 64, feedForwardSize: 256 },
      ...{ lshChunkLength: 64, numBuckets: 32, maxLength: length },
      positions: { type: "learned", maxLength: length },
    },
    training: { ...training, steps: steps ?? 15_000, length, learningRate: 1e-3 },
  };
}

function configOf({ model, training }: Size, attention: Attention): ReformerConfig {
  return resolveConfig({
    ...model,
    numHashes: attention === "full" ? 1 : attention,
    fullAttentionBelow: attention === "full" ? training.length + 1 : 0,
  });
}

export const table2: Reproduction = async (setting) => {
  const size = sizeOf(setting);
  const { length, steps } = size.training;
  const batches = Array.from({ length: FRESH.batches }, (_, i) =>
    duplication.batch(i, { batchSize: FRESH.batchSize, length }, FRESH.seed),
  );
  const measured: { readonly trained: string; readonly accuracies: number[] }[] = [];
  for (const attention of TRAINED) {
    const accuracies = await accuraciesOf(size, attention, batches, setting);
    measured.push({ trained: nameOf(attention), accuracies });
  }
  const row = (trained: string, by: string, values: readonly number[]): Row => ({
    "trained with": trained,
    by,
    ...Object.fromEntries(EVALUATED.map((attention, i) => [nameOf(attention), values[i] as number])),
  });
  return {
    tables: [
      {
        title: `Table 2: duplication task, accuracy in % by attention in training and evaluation; ours: ${length} tokens, width ${size.model.hiddenSize}, ${steps} steps, one seed`,
        rows: measured.flatMap(({ trained, accuracies }) => [
          row(trained, "paper", PUBLISHED[trained] ?? []),
          row(trained, "here", accuracies),
        ]),
        notes: [
          "Paper: 1 layer, 1,024 tokens, 150,000 steps. Full attention here keeps the layer's rules (shared unit keys, itself last); the paper's 0.8 % is chance.",
        ],
      },
    ],
    numbers: {
      ...size,
      seed: SEED,
      fresh: FRESH,
      published: PUBLISHED,
      measured,
      columns: EVALUATED.map(nameOf),
    },
  };
};

async function accuraciesOf(
  size: Size,
  attention: Attention,
  batches: readonly Batch[],
  { signal, log }: Setting,
): Promise<number[]> {
  const model = await TaskModel.create(configOf(size, attention), SEED);
  // Evaluations take their rounds from their own call, but whether to attend fully at all from the model.
  const evaluated = await TaskModel.create(configOf(size, 4), SEED);
  try {
    for await (const { step, loss } of model.train(duplication, { ...size.training, signal })) {
      if (step % 100 === 0) log(`trained with ${nameOf(attention)}, step ${step}: loss ${loss.toFixed(4)}`);
    }
    for (const { name } of parameters(model.config)) {
      const weights = (await model.opened.base.read(model.opened.weights.get(name))) as Float32Array;
      evaluated.opened.base.write(evaluated.opened.weights.get(name), weights);
    }
    const accuracies: number[] = [];
    for (const rounds of EVALUATED) {
      const { accuracy } = await evaluated.evaluate(batches, { rounds }, signal);
      log(
        `trained with ${nameOf(attention)}, evaluated with ${nameOf(rounds)}: ${(100 * accuracy).toFixed(2)} %`,
      );
      accuracies.push(100 * accuracy);
    }
    return accuracies;
  } finally {
    model.dispose();
    evaluated.dispose();
  }
}
