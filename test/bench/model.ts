// A model on a device whose training step can be run, timed and profiled as often as one likes.
import { type ReformerConfig, type ReformerOptions, resolveConfig } from "../../src/config/config.js";
import { type OpenDevice, openDevice } from "../../src/engine/device.js";
import { resolveTrainOptions } from "../../src/engine/options.js";
import { planRun } from "../../src/engine/plan.js";
import { initialValues, parameters } from "../../src/model/parameters.js";
import { Random } from "../../src/random.js";
import type { ProfileRow } from "../../src/scheduler/run.js";
import type { Batch } from "../../src/text/dataset.js";
import { RUN } from "../../src/train/recordings.js";
import { Trainer } from "../../src/train/trainer.js";
import type { TrainOptions } from "../../src/types.js";

export class BenchModel {
  private constructor(
    readonly config: ReformerConfig,
    readonly opened: OpenDevice,
    readonly trainer: Trainer,
  ) {}

  /** Random weights and a random batch: the time does not depend on them. `tune` in `training` works as in `train`. */
  static async create(
    device: GPUDevice,
    options: ReformerOptions,
    training: Omit<TrainOptions, "steps">,
  ): Promise<BenchModel> {
    const config = resolveConfig(options);
    const opened = await openDevice(config, device);
    for (const [i, parameter] of parameters(config).entries()) {
      opened.base.write(opened.weights.get(parameter.name), initialValues(parameter, i, 0));
    }
    const settings = resolveTrainOptions(config, { ...training, steps: 1000 });
    const { shape, schedule, accumulate, tune } = settings;
    const { plan } = await planRun(opened, config, shape, { tune, chosen: undefined });
    const trainer = await Trainer.create(opened.gpu, config, plan, opened.base, {
      seed: 0,
      schedule,
      accumulate,
    });
    const model = new BenchModel(config, opened, trainer);
    const steps = trainer.run({ batch: (_, wanted) => randomBatch(config.vocabSize, wanted) }, 1);
    for await (const _ of steps) break;
    return model;
  }

  /** Bytes of all buffers of this model and its training. */
  get bytes(): number {
    return this.opened.gpu.liveBytes;
  }

  /** One training step, to its end on the GPU. */
  async step(): Promise<void> {
    const { prepared } = this.trainer;
    for (const run of [RUN.clear, RUN.batch, RUN.update]) await prepared.run(run);
    await prepared.finish();
  }

  /** The forward pass and the loss. */
  async evaluate(): Promise<void> {
    const { prepared } = this.trainer;
    await prepared.run(RUN.evaluate);
    await prepared.finish();
  }

  /** Every dispatch of a training step, timed alone. */
  async profile(): Promise<ProfileRow[]> {
    const { prepared } = this.trainer;
    await prepared.run(RUN.clear);
    return [...(await prepared.profile(RUN.batch)), ...(await prepared.profile(RUN.update))];
  }

  dispose(): void {
    this.trainer.dispose();
    this.opened.base.dispose();
    this.opened.gpu.dispose();
  }
}

function randomBatch(
  vocabSize: number,
  { batchSize, length }: { readonly batchSize: number; readonly length: number },
): Batch {
  const random = new Random(0, 1, 2);
  const inputs = Uint32Array.from({ length: batchSize * length }, () => random.below(vocabSize));
  return { inputs, targets: Int32Array.from(inputs), counted: inputs.length, batchSize, length };
}
