// One training run: batches, evaluations, samples and checkpoints, from where it stood to its last step, across a lost
// device if need be.
import { DeviceLostError, DivergedError } from "../errors.js";
import type { HistoryPoint } from "../io/checkpoint.js";
import type { CheckpointFiles, CheckpointStore } from "../io/checkpoint-store.js";
import { UPDATE_STATE } from "../train/optimizer.js";
import type { TrainingPlan } from "../train/recordings.js";
import { type FinishedStep, Trainer } from "../train/trainer.js";
import type { TrainStep, TrainSummary } from "../types.js";
import { BestKeeper } from "./best.js";
import { fingerprint, openRun, saveRun, writeTensors } from "./checkpoint.js";
import { keepChoices, recallChoices } from "./choice-memory.js";
import { type HeldOut, type TrainingData, textData } from "./data.js";
import type { TrainSettings } from "./options.js";
import { planRun } from "./plan.js";
import { isLost, type TrainedModel } from "./trained-model.js";

/** Devices that may be lost one after another before a run gives up. */
const MAX_RECOVERIES = 4;
/** Of runs whose checkpoints do not name any. */
const FORMER_CHOICES = { chunkDivisor: 1, tuned: {} };
/** Steps over which the speed is averaged. */
const SPEED_WINDOW = 16;

/** How a run is ended before its last step. */
export interface Ending {
  readonly signal: AbortSignal | undefined;
  /** Whether no further step is to begin; those that have begun are still told. */
  readonly stopped: () => boolean;
}

export class TrainingRun {
  #trainer: Trainer | undefined;
  #history: HistoryPoint[] = [];
  #seconds = 0;
  #heldOut: HeldOut | undefined;
  #lastLoss = Number.NaN;
  #notice: Pick<TrainStep, "recoveredFrom" | "notice"> = {};

  private constructor(
    readonly model: TrainedModel,
    readonly settings: TrainSettings,
    readonly data: TrainingData,
    readonly store: CheckpointStore,
    readonly ending: Ending,
    /** Ends the run where the held-out loss no longer falls, and keeps the best weights. */
    readonly keeper: BestKeeper | undefined,
  ) {}

  /** Takes all steps; leaving the iteration saves a checkpoint first. */
  static async *steps(
    model: TrainedModel,
    text: string,
    settings: TrainSettings,
    ending: Ending,
  ): AsyncGenerator<TrainStep, TrainSummary> {
    const { signal } = ending;
    signal?.throwIfAborted();
    const data = await textData(model, text, settings, signal);
    return yield* TrainingRun.run(model, data, settings, ending);
  }

  /** As `steps`. With `patience`, the checkpoint of the lowest held-out loss is kept as NAME.best, and restored. */
  static async *run(
    model: TrainedModel,
    data: TrainingData,
    settings: TrainSettings,
    ending: Ending,
    patience?: number,
  ): AsyncGenerator<TrainStep, TrainSummary> {
    const name = settings.checkpoint;
    const store = await model.openStore(name);
    const best = patience === undefined ? undefined : await model.openStore(name && `${name}.best`);
    const keeper = best && new BestKeeper(best, patience ?? 0);
    const run = new TrainingRun(model, settings, data, store, ending, keeper);
    try {
      await store.lock();
      await best?.lock();
      await run.#start(settings.resume);
      return yield* run.#all();
    } finally {
      run.#trainer?.dispose();
      await best?.close();
      await store.close(); // also where a store could not be locked or read: nobody else must wait for it
    }
  }

  get trainer(): Trainer {
    if (!this.#trainer) throw new Error("internal: the run has no trainer");
    return this.#trainer;
  }

  /** Plans, allocates, and goes on from the store's checkpoint where there is one. */
  async #start(resume: boolean): Promise<void> {
    const { model, settings, ending } = this;
    const { signal } = ending;
    const { config, device } = model;
    const files = resume ? await this.store.load() : undefined;
    const checkpoint = files && openRun(files, model.tokenizer);
    const chosen = checkpoint && (checkpoint.training.planChoices ?? FORMER_CHOICES);
    const tune = settings.tune && !checkpoint;
    if (tune) await recallChoices(device.gpu.device, model.openChoices);
    const { plan, notice } = await planRun(device, config, settings.shape, { tune, chosen });
    if (tune) await keepChoices(device.gpu.device, model.openChoices);
    if (notice) this.#notice = { notice };
    const onProgress =
      model.onProgress &&
      ((loaded: number, total: number) => model.onProgress?.({ phase: "compile", loaded, total }));
    const { accumulate, schedule } = settings;
    const options = { seed: model.seed, accumulate, schedule, signal, onProgress };
    this.#trainer = await Trainer.create(device.gpu, config, plan, device.base, options);
    if (!checkpoint) {
      await this.#save(); // so that even a run lost in its first steps has something to go back to
      return;
    }
    this.#restore(checkpoint, plan);
    await this.keeper?.resume(this.#history);
  }

  #restore(checkpoint: ReturnType<typeof openRun>, plan: TrainingPlan): void {
    const { trainer } = this;
    writeTensors(trainer.prepared, plan.weights.tensors, checkpoint.model, "model.safetensors");
    const { optimizer } = checkpoint;
    // A run in f32 has no scale of the loss to go on from: a mixed one that goes on from it starts with its own.
    const state = [...plan.optimizer.stateTensors].filter(
      ([name]) => name !== UPDATE_STATE || optimizer.has(name),
    );
    writeTensors(trainer.prepared, new Map(state), optimizer, "optimizer.safetensors");
    const { step, history, planFingerprint } = checkpoint.training;
    trainer.restore(step);
    this.#history = [...history];
    this.#seconds = history.at(-1)?.seconds ?? 0;
    this.#lastLoss = history.at(-1)?.loss ?? Number.NaN;
    if (planFingerprint !== fingerprint(plan.plan) && step > 0) {
      this.#notice = {
        notice:
          "The checkpoint was made with other sizes or on another kind of device: training goes on, not bit-identically.",
      };
    }
    this.model.onStep(step);
  }

  async *#all(): AsyncGenerator<TrainStep, TrainSummary> {
    let whole: boolean;
    for (let recoveries = 0; ; ) {
      try {
        whole = yield* this.#untilLost();
        break;
      } catch (error) {
        if (error instanceof DivergedError) await this.#rollBack();
        if (!(error instanceof DeviceLostError) || ++recoveries > MAX_RECOVERIES) throw error;
        await this.#recover();
      }
    }
    const { step } = this.trainer;
    const summary = { step, loss: this.#lastLoss, heldOut: this.#heldOut, seconds: this.#seconds };
    const best = whole ? await this.#restoreBest() : undefined;
    return best ? { ...summary, best } : summary;
  }

  /** Whether it has ended by itself. */
  async *#untilLost(): AsyncGenerator<TrainStep, boolean> {
    const { settings, trainer, ending, model } = this;
    const { signal, stopped } = ending;
    const { steps } = settings;
    const isBarrier = (step: number) => Object.values(due(step, settings)).some(Boolean);
    if (this.keeper?.exhausted) return true;
    const durations: number[] = [];
    let started = performance.now();
    let leaves = true; // what a reader leaves is saved; what diverged is not, nor can be what is lost
    try {
      for await (const finished of trainer.run(this.data, steps, signal, isBarrier, stopped)) {
        durations.push((performance.now() - started) / 1000);
        if (durations.length > SPEED_WINDOW) durations.shift();
        this.#seconds += durations.at(-1) ?? 0;
        const report = await this.#report(finished, mean(durations));
        model.onStep(finished.step);
        yield report;
        if (this.keeper?.exhausted) break;
        started = performance.now(); // evaluations, samples and the reader's own work are not training time
      }
      leaves = trainer.step < steps && !this.keeper?.exhausted;
      return !leaves;
    } catch (error) {
      leaves = !(error instanceof DivergedError);
      throw error;
    } finally {
      if (leaves && !isLost(model)) await this.#save();
    }
  }

  async #report(finished: FinishedStep, perStep: number): Promise<TrainStep> {
    const { settings, data, trainer } = this;
    const { signal } = this.ending;
    const { step, loss } = finished;
    const { batchSize, length, targetLength = 0 } = settings.shape;
    this.#lastLoss = loss;
    const { evaluation, sampled, saved } = due(step, settings);
    if (evaluation) this.#heldOut = await data.evaluate(trainer, signal);
    const heldOut = evaluation ? this.#heldOut : undefined;
    this.#history.push({
      step,
      loss,
      seconds: this.#seconds,
      ...(heldOut ? { heldOutLoss: heldOut.loss } : {}),
    });
    if (heldOut) await this.keeper?.consider(step, heldOut.loss, () => this.#pack());
    const sample = sampled
      ? await this.model.sample(settings.samplePrompt, settings.sampleTokens, signal)
      : undefined;
    if (saved) await this.#save();
    const notices = [this.#notice.notice, finished.notice].filter((notice) => notice !== undefined);
    const news = { ...this.#notice, ...(notices.length > 0 ? { notice: notices.join(" ") } : {}) };
    this.#notice = {};
    return {
      ...finished,
      steps: settings.steps,
      bitsPerCharacter: data.bitsPerCharacter(loss),
      tokensPerSecond: (settings.accumulate * batchSize * (length + targetLength)) / perStep,
      secondsLeft: (settings.steps - step) * perStep,
      heldOut,
      sample,
      saved,
      ...news,
    };
  }

  async #save(): Promise<void> {
    await this.store.save(await this.#pack());
  }

  async #pack(): Promise<CheckpointFiles> {
    const { model, settings, trainer } = this;
    const { config, tokenizer, seed, device } = model;
    const { step } = trainer;
    const state = {
      step,
      seed,
      dataPosition: step * settings.accumulate,
      history: this.#history.filter((point) => point.step <= step && Number.isFinite(point.loss)),
      settings: settings as unknown as Readonly<Record<string, unknown>>,
    };
    const parts = { config, tokenizer, weights: device.weights.tensors };
    return saveRun(parts, trainer.plan.optimizer.stateTensors, trainer.prepared, trainer.plan.plan, state);
  }

  /** The best weights of the run, where it keeps them and has gone on since. */
  async #restoreBest(): Promise<BestKeeper["best"]> {
    const { keeper, trainer, model } = this;
    const best = keeper?.best;
    const files = best && best.step !== trainer.step ? await keeper?.store.load() : undefined;
    if (files) {
      const { model: weights } = openRun(files, model.tokenizer);
      writeTensors(trainer.prepared, trainer.plan.weights.tensors, weights, "model.safetensors");
    }
    return best;
  }

  /** Back to the last checkpoint's weights: what diverged must not be what is kept. */
  async #rollBack(): Promise<void> {
    const files = await this.store.load();
    if (files) this.#restore(openRun(files, this.model.tokenizer), this.trainer.plan);
  }

  async #recover(): Promise<void> {
    const lostAt = this.trainer.step;
    this.#trainer = undefined;
    await this.model.reopen();
    await this.#start(true);
    this.#notice = {
      recoveredFrom: this.trainer.step,
      notice: `The GPU device was lost near step ${lostAt}; training went on from the checkpoint of step ${this.trainer.step} on a new device.`,
    };
  }
}

/** What is done after a step, the last one's saving included. */
function due(step: number, { steps, evaluateEvery, sampleEvery, checkpointEvery }: TrainSettings) {
  const every = (interval: number) => interval > 0 && step % interval === 0;
  const last = step === steps;
  return {
    evaluation: every(evaluateEvery) || (last && evaluateEvery > 0),
    sampled: every(sampleEvery) || (last && sampleEvery > 0),
    saved: every(checkpointEvery) || last,
  };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
