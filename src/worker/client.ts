// A model in a worker, with the calls of a model on this thread.
import { proxy } from "comlink";
import { DisposedError } from "../errors.js";
import { TaskMethods } from "../tasks/task-methods.js";
import type {
  EvaluateOptions,
  Evaluation,
  Example,
  FilesOptions,
  FineTuneOptions,
  FineTuneRun,
  FineTuneStep,
  GeneratedPiece,
  GenerateOptions,
  Generation,
  HeadOptions,
  Model,
  ModelDescription,
  ModelFiles,
  TaskName,
  Tasks,
  TrainOptions,
  TrainRun,
  TrainStep,
  TrainSummary,
} from "../types.js";
import type { Connection } from "./connection.js";
import type { EngineOptions, ModelOrigin, RunRequest } from "./protocol.js";

/** Milliseconds for a worker to free its model before it is terminated; a step may be running. */
const DISPOSE_TIMEOUT = 2000;

/**
 * Makes a model in the worker. The model takes over the connection: `dispose()` closes it.
 * @throws whatever the engine throws, as the same class; `signal.reason` once aborted
 */
export async function openModel(
  connection: Connection,
  origin: ModelOrigin,
  { signal, onProgress, ...options }: EngineOptions,
): Promise<Model> {
  const id = connection.newId();
  const report = onProgress && proxy(onProgress.bind(undefined));
  try {
    await connection.abortable((call) => connection.host.open(id, call, origin, options, report), signal);
  } catch (error) {
    connection.tell(() => connection.host.dispose(id));
    connection.close(new DisposedError("The model was never made."));
    throw error;
  }
  return new WorkerModel(connection, id);
}

class WorkerModel extends TaskMethods implements Model {
  #disposal: Promise<void> | undefined;

  constructor(
    readonly connection: Connection,
    readonly id: number,
  ) {
    super();
  }

  describe(): Promise<ModelDescription> {
    return this.connection.call(() => this.connection.host.describe(this.id));
  }

  files(options: FilesOptions = {}): Promise<ModelFiles> {
    return this.connection.call(() => this.connection.host.files(this.id, options));
  }

  evaluate(
    text: string | readonly Example[],
    { signal, ...options }: EvaluateOptions = {},
  ): Promise<Evaluation> {
    const send = (call: number) => this.connection.host.evaluate(this.id, call, text, options);
    return this.connection.abortable(send, signal);
  }

  train(text: string, { signal, ...options }: TrainOptions): TrainRun {
    return trained(new WorkerRun<TrainStep>(this, { kind: "train", text, options }, signal));
  }

  fineTune(examples: readonly Example[], { signal, ...options }: FineTuneOptions): FineTuneRun {
    return trained(new WorkerRun<FineTuneStep>(this, { kind: "fineTune", examples, options }, signal));
  }

  replaceHead(options: HeadOptions): Promise<void> {
    return this.connection.call(() => this.connection.host.replaceHead(this.id, options));
  }

  protected override ask<K extends TaskName>(name: K, ...[input, given = {}]: Parameters<Tasks[K]>) {
    const { signal, ...options } = given;
    const send = (call: number) => this.connection.host.task(this.id, call, { name, input, options });
    return this.connection.abortable(send, signal) as ReturnType<Tasks[K]>;
  }

  generate(given: string | readonly string[], { signal, ...options }: GenerateOptions = {}): Generation {
    const prompts = typeof given === "string" ? [given] : given;
    const run = new WorkerRun<GeneratedPiece>(this, { kind: "generate", prompts, options }, signal);
    const texts = () => run.finish() as Promise<string[]>;
    return { [Symbol.asyncIterator]: () => run, text: async () => (await texts())[0] ?? "", texts };
  }

  dispose(): Promise<void> {
    this.#disposal ??= this.#dispose();
    return this.#disposal;
  }

  async #dispose(): Promise<void> {
    const { connection, id } = this;
    if (connection.end) return;
    const freed = connection.call(() => connection.host.dispose(id)).catch(() => {});
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, DISPOSE_TIMEOUT);
    });
    await Promise.race([freed, late]);
    clearTimeout(timer);
    connection.close(new DisposedError("The model was disposed during this call."));
  }
}

/** A run as `train` and `fineTune` give it. */
const trained = <T>(run: WorkerRun<T>) => ({
  [Symbol.asyncIterator]: () => run,
  finish: () => run.finish() as Promise<TrainSummary>,
  stop: () => run.stop(),
});

/** The steps of one run. Nothing is sent before the first `next()`. */
class WorkerRun<T> implements AsyncIterator<T, undefined> {
  readonly #call: number;
  #started: Promise<void> | undefined;
  #ended = false;
  #stopped = false;
  #stopListening = () => {};

  constructor(
    readonly model: WorkerModel,
    readonly request: RunRequest,
    readonly signal: AbortSignal | undefined,
  ) {
    this.#call = model.connection.newId();
  }

  async next(): Promise<IteratorResult<T, undefined>> {
    if (this.#ended) return { done: true, value: undefined };
    const result = await this.#during(
      (host) => host.next(this.#call) as Promise<IteratorResult<T, undefined>>,
    );
    if (result.done) this.#end();
    return result;
  }

  async finish(): Promise<unknown> {
    const result = await this.#during((host) => host.finish(this.#call));
    this.#end();
    return result;
  }

  /** No step begins after this; those that had begun still come. */
  stop(): void {
    const { connection } = this.model;
    this.#stopped = true;
    if (this.#started && !this.#ended) connection.tell(() => connection.host.windUp(this.#call));
  }

  async return(): Promise<IteratorResult<T, undefined>> {
    const { connection } = this.model;
    const running = this.#started && !this.#ended;
    this.#ended = true;
    try {
      if (running) await connection.call(() => connection.host.stop(this.#call), this.signal);
    } finally {
      this.#end();
    }
    return { done: true, value: undefined };
  }

  /** A call of the running run; a failure ends the run here and in the worker. */
  async #during<R>(send: (host: Connection["host"]) => Promise<R>): Promise<R> {
    const { connection, id } = this.model;
    try {
      this.signal?.throwIfAborted();
      if (!this.#started) {
        this.#stopListening = connection.forwardAbort(this.#call, this.signal);
        this.#started = connection.call(() => connection.host.start(id, this.#call, this.request));
        if (this.#stopped) this.stop(); // before its first step
      }
      await this.#started;
      return await connection.call(() => send(connection.host), this.signal);
    } catch (error) {
      this.#end();
      connection.tell(() => connection.host.stop(this.#call));
      throw error;
    }
  }

  #end(): void {
    this.#ended = true;
    this.#stopListening();
  }
}
