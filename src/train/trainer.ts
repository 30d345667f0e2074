// Runs planned training steps on a device: writes a batch, submits, reads a few numbers back some steps later.
import type { ReformerConfig } from "../config/config.js";
import { DivergedError } from "../errors.js";
import type { Gpu } from "../gpu/gpu.js";
import { PreparedPlan } from "../scheduler/run.js";
import { type Batch, type BatchSource, countedTargets } from "../text/dataset.js";
import { packControl } from "./control.js";
import { evaluateWindows, initialiseWindows, writeBatch } from "./evaluation.js";
import { MetricsRing, type StepMetrics } from "./metrics.js";
import { READ_BEHIND, RUN, type TrainingPlan } from "./recordings.js";
import { learningRateAt, type Schedule } from "./schedule.js";

export interface TrainerOptions {
  readonly seed: number;
  readonly accumulate: number;
  readonly schedule: Schedule;
}

/** One finished optimiser step, straight from the GPU. */
export interface FinishedStep {
  readonly step: number;
  /** Mean loss of the step's batches, nats per token. */
  readonly loss: number;
  readonly gradientNorm: number;
  readonly learningRate: number;
  /** Why the step changed no weight, where it did not. */
  readonly notice?: string | undefined;
}

/** Steps in a row that a mixed run may skip before it counts as diverged: enough to shrink the loss's scale 256 times. */
const MAX_SKIPPED = 8;

/** Trains one model on one device. Owns its plan's buffers; borrows the weights. */
export class Trainer {
  #step = 0;
  /** Steps in a row that changed nothing because of a gradient. */
  #skipped = 0;

  private constructor(
    readonly config: ReformerConfig,
    readonly plan: TrainingPlan,
    readonly prepared: PreparedPlan,
    readonly options: TrainerOptions,
  ) {}

  static async create(
    gpu: Gpu,
    config: ReformerConfig,
    plan: TrainingPlan,
    base: PreparedPlan,
    options: TrainerOptions & {
      readonly signal?: AbortSignal | undefined;
      readonly onProgress?: ((done: number, total: number) => void) | undefined;
    },
  ): Promise<Trainer> {
    const { signal, onProgress } = options;
    const prepared = await PreparedPlan.create(gpu, plan.plan, { shared: base, signal, onProgress });
    const trainer = new Trainer(config, plan, prepared, options);
    plan.optimizer.initialise(prepared);
    initialiseWindows(prepared, plan.windows);
    return trainer;
  }

  /** Optimiser steps taken. */
  get step(): number {
    return this.#step;
  }

  /**
   * Takes steps up to `steps`, or until `stopped`, yielding each once its numbers are back.
   * A mixed run skips a step whose gradient is not finite, and scales the loss less.
   * @throws {DivergedError} where a loss, gradient or stream is no longer finite; that step changed no weight.
   */
  async *run(
    source: BatchSource,
    steps: number,
    signal?: AbortSignal,
    /** Steps after which everything must be finished before the next begins (evaluations, checkpoints). */
    isBarrier: (step: number) => boolean = () => false,
    stopped: () => boolean = () => false,
  ): AsyncGenerator<FinishedStep> {
    const ring = new MetricsRing(this.prepared, this.plan);
    try {
      while (this.#step < steps && !stopped()) {
        signal?.throwIfAborted();
        await this.#submitStep(source, signal);
        ring.push(this.#step, learningRateAt(this.options.schedule, this.#step));
        const keep = isBarrier(this.#step) ? 0 : READ_BEHIND;
        while (ring.pending > keep) yield await this.#checked(await ring.shift());
      }
      while (ring.pending > 0) yield await this.#checked(await ring.shift());
    } finally {
      await ring.close();
    }
  }

  async #submitStep(source: BatchSource, signal: AbortSignal | undefined): Promise<void> {
    const { batchSize, length } = this.plan.shape;
    const { accumulate, seed } = this.options;
    const step = this.#step + 1;
    const firstDraw = this.#step * accumulate;
    const batches = Array.from({ length: accumulate }, (_, part) =>
      source.batch(firstDraw + part, { batchSize, length }, seed),
    );
    const counted = batches.reduce((sum, batch) => sum + countedTargets(batch), 0);
    for (const [part, batch] of batches.entries()) {
      this.#writeControl(firstDraw + part, step, 1 / counted);
      writeBatch(this.prepared, this.plan.windows, batch);
      await this.prepared.run(part === 0 ? [RUN.clear, RUN.batch] : RUN.batch, { signal });
    }
    await this.prepared.run(RUN.update); // without the signal: all weights or none
    this.#step = step;
  }

  #writeControl(draw: number, step: number, lossScale: number): void {
    const { seed, schedule } = this.options;
    const { beta1, beta2 } = this.plan.shape.optimizer;
    this.prepared.write(
      this.plan.windows.inputs.control,
      packControl({
        seed,
        draw,
        step,
        learningRate: learningRateAt(schedule, step),
        lossScale,
        biasCorrection1: 1 - beta1 ** step,
        biasCorrection2: 1 - beta2 ** step,
      }),
    );
  }

  /** Mean loss (nats per token) and accuracy over batches of windows, without dropout. */
  evaluate(
    batches: Iterable<Batch>,
    options: { readonly lsh?: boolean | undefined; readonly signal?: AbortSignal | undefined } = {},
  ): Promise<{ loss: number; accuracy: number; tokens: number }> {
    const run = options.lsh === false ? RUN.evaluateWithoutLsh : RUN.evaluate;
    const { seed } = this.options;
    return evaluateWindows(this.prepared, this.plan.windows, run, batches, { seed, signal: options.signal });
  }

  async #checked(metrics: StepMetrics): Promise<FinishedStep> {
    if (metrics.finite) {
      this.#skipped = 0;
      return metrics;
    }
    if (this.plan.optimizer.scaled && metrics.gradientFault && ++this.#skipped < MAX_SKIPPED) {
      const notice = `Step ${metrics.step} was skipped, since a gradient left the range of half precision: the loss is now scaled by ${metrics.lossScale}.`;
      return { ...metrics, notice };
    }
    const where = metrics.layer === undefined ? await this.#firstBadGradient() : `layer ${metrics.layer}`;
    throw new DivergedError(
      `training diverged at step ${metrics.step} in ${where} (loss ${metrics.loss}, gradient norm ${metrics.gradientNorm}): that step was not applied; go on from the last checkpoint with a lower learning rate${this.plan.optimizer.scaled ? ', in precision "f32"' : ""} or stronger clipping`,
      { step: metrics.step, where, loss: String(metrics.loss) },
    );
  }

  async #firstBadGradient(): Promise<string> {
    for (const [name, tensor] of this.plan.gradients.tensors) {
      if ((await this.prepared.read(tensor)).some((value) => !Number.isFinite(value))) return name;
    }
    return "the loss";
  }

  /** Goes on as after `step` steps. */
  restore(step: number): void {
    this.#step = step;
    this.#skipped = 0;
  }

  dispose(): void {
    this.prepared.dispose();
  }
}
