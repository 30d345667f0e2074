// Where the time of a training step goes: every dispatch of one step, timed alone. Weights and batch are random; the time
// does not depend on them.
import { resolveConfig } from "./config/config.js";
import { openDevice } from "./engine/device.js";
import { resolveTrainOptions } from "./engine/options.js";
import { initialValues, parameters } from "./model/parameters.js";
import { Random } from "./random.js";
import { planTraining, RUN } from "./train/recordings.js";
import { Trainer } from "./train/trainer.js";
import type { ProfiledDispatch, ProfileOptions, ReformerOptions } from "./types.js";

export async function profileStep(
  device: GPUDevice,
  options: ReformerOptions,
  { repeats = 1, signal, ...training }: ProfileOptions,
): Promise<ProfiledDispatch[]> {
  const config = resolveConfig(options);
  const { shape, schedule, accumulate } = resolveTrainOptions(config, { ...training, steps: 1 });
  const { gpu, base, weights, planner } = await openDevice(config, device);
  try {
    for (const [i, parameter] of parameters(config).entries()) {
      base.write(weights.get(parameter.name), initialValues(parameter, i, 0));
    }
    const planned = await planner.plan((profile) => planTraining(config, shape, weights, profile));
    const trainer = await Trainer.create(gpu, config, planned, base, { seed: 0, schedule, accumulate });
    try {
      const random = new Random(0, 1, 2);
      const batch = (_: number, { batchSize, length }: { batchSize: number; length: number }) => {
        const inputs = Uint32Array.from({ length: batchSize * length }, () => random.below(config.vocabSize));
        return { inputs, targets: inputs, batchSize, length };
      };
      for await (const _ of trainer.run({ batch }, 1)) break;
      const timed = device.features.has("timestamp-query");
      const { prepared } = trainer;
      const runs: ProfiledDispatch[][] = [];
      for (let i = 0; i < (timed ? repeats : 1); i++) {
        signal?.throwIfAborted();
        await prepared.run(RUN.clear);
        const rows = timed
          ? [...(await prepared.profile(RUN.batch)), ...(await prepared.profile(RUN.update))]
          : [RUN.batch, RUN.update].flatMap((run) => prepared.describe(run));
        runs.push(rows);
      }
      const [first = []] = runs;
      return first.map((row, i) => ({
        ...row,
        nanoseconds: median(runs.map((rows) => rows[i]?.nanoseconds)),
      }));
    } finally {
      trainer.dispose();
    }
  } finally {
    base.dispose();
    gpu.dispose();
  }
}

function median(values: readonly (number | null | undefined)[]): number | null {
  const sorted = values.filter((value) => typeof value === "number").sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? null;
}
