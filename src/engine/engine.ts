// The engine: one model on one GPU device, on the thread it was made on. The only place that knows all parts.
import { type ReformerConfig, resolveConfig } from "../config/config.js";
import { withHashing } from "../config/hashing.js";
import { ConfigError, DisposedError } from "../errors.js";
import type { CheckpointStore } from "../io/checkpoint-store.js";
import { IN_MEMORY, memoryStore, memoryStores } from "../io/memory-store.js";
import { fetchModel } from "../io/model-files.js";
import { type ModelLocation, useFiles } from "../io/model-location.js";
import { openOpfsStore } from "../io/opfs-store.js";
import { matchWeights } from "../io/weight-names.js";
import { initialValues, parameterCount, parameters } from "../model/parameters.js";
import type { TaskModel } from "../tasks/reading.js";
import { TaskMethods } from "../tasks/task-methods.js";
import { tasksOf } from "../tasks/tasks.js";
import type { Tokenizer } from "../text/tokenizer.js";
import type {
  CreateOptions,
  EvaluateOptions,
  Evaluation,
  Example,
  FilesOptions,
  FineTuneOptions,
  FineTuneRun,
  GeneratedPiece,
  GenerateOptions,
  Generation,
  HeadOptions,
  Model,
  ModelDescription,
  ModelFiles,
  ProgressEvent,
  ReformerOptions,
  TaskName,
  Tasks,
  TrainOptions,
  TrainRun,
} from "../types.js";
import { readTensors } from "./checkpoint.js";
import { type OpenChoices, openBrowserChoices } from "./choice-memory.js";
import { describeAdapter, type OpenDevice, openDevice } from "./device.js";
import { evaluate } from "./evaluation.js";
import { readModelFiles, writeModelFiles, writeWeights } from "./files.js";
import { fineTuneSteps } from "./fine-tuning.js";
import { generateText } from "./generation.js";
import { configWithHead, withHead } from "./head.js";
import { resolveTrainOptions } from "./options.js";
import { runOf } from "./run.js";
import { makeTokenizer, withVocabulary } from "./tokenizer.js";
import { type TrainedModel, TrainingRun } from "./training.js";

/** What the engine needs of CreateOptions, and where named checkpoints are kept. */
export interface EngineOptions extends Omit<CreateOptions, "worker"> {
  /** Default: the browser's private file system. */
  readonly openStore?: ((name: string) => Promise<CheckpointStore>) | undefined;
  /** Where tuned runs remember what was fastest. Default: likewise. */
  readonly openChoices?: OpenChoices | undefined;
}

export class Engine extends TaskMethods implements Model {
  #config: ReformerConfig;
  #device: OpenDevice;
  #step = 0;
  #disposed = false;
  readonly #inMemory = memoryStores();
  /** The call that uses the GPU now: calls wait for one another. */
  #busy: Promise<unknown> = Promise.resolve();

  private constructor(
    config: ReformerConfig,
    readonly tokenizer: Tokenizer,
    readonly seed: number,
    device: OpenDevice,
    readonly options: EngineOptions,
  ) {
    super();
    this.#config = config;
    this.#device = device;
  }

  /** Of the body and the head it has now. */
  get config(): ReformerConfig {
    return this.#config;
  }

  /**
   * A new model with random weights.
   * @throws {ConfigError} {WebGPUUnavailableError} {SelfTestError} {GpuOutOfMemoryError}
   */
  static async create(given: ReformerOptions = {}, options: EngineOptions = {}): Promise<Engine> {
    const tokenizer = await makeTokenizer(options);
    const config = resolveConfig(withVocabulary(given, tokenizer.vocabSize));
    const seed = checkSeed(options.seed ?? 0);
    const list = parameters(config);
    return Engine.#open({ config, tokenizer, seed, options }, async ({ base, weights }) => {
      for (const [index, parameter] of list.entries()) {
        options.signal?.throwIfAborted();
        base.write(weights.get(parameter.name), initialValues(parameter, index, seed));
        options.onProgress?.({ phase: "upload", loaded: index + 1, total: list.length });
      }
    });
  }

  /**
   * A model from its files, wherever they are. Peak memory on this thread: the files, and one tensor as f32. What was kept
   * of files that turn out to be of no use is removed.
   * @throws {CheckpointError} naming the file and what is wrong with it; {DownloadError}
   */
  static async load(location: ModelLocation, options: EngineOptions = {}): Promise<Engine> {
    const { signal, onProgress } = options;
    const files = await fetchModel(location, { signal, onProgress });
    return useFiles(location, files, () => Engine.#fromFiles(files, options));
  }

  static async #fromFiles(files: ModelFiles, options: EngineOptions): Promise<Engine> {
    const { signal, onProgress } = options;
    const seed = checkSeed(options.seed ?? 0);
    const { config, tokenizer, weights } = await readModelFiles(
      files,
      options.tokenizer && (() => makeTokenizer(options)),
    );
    const list = parameters(config);
    // Before any GPU memory is taken: a config.json may ask for more than its weights have.
    const matched = matchWeights(weights, new Map(list.map((parameter) => [parameter.name, parameter])));
    return Engine.#open({ config, tokenizer, seed, options }, ({ base, weights: arena, gpu }) => {
      const target = {
        parameters: list,
        write: (name: string, values: Float32Array) => base.write(arena.get(name), values),
        flush: () => gpu.device.queue.onSubmittedWorkDone(),
      };
      return writeWeights(matched, target, { seed, signal, onProgress });
    });
  }

  /** A model on a device, with the weights that `fill` writes; where that fails, nothing of it is left on the device. */
  static async #open(
    {
      config,
      tokenizer,
      seed,
      options,
    }: {
      readonly config: ReformerConfig;
      readonly tokenizer: Tokenizer;
      readonly seed: number;
      readonly options: EngineOptions;
    },
    fill: (device: OpenDevice) => Promise<void>,
  ): Promise<Engine> {
    if (config.vocabSize < tokenizer.vocabSize) {
      throw new ConfigError(
        `vocabSize is ${config.vocabSize}, but this tokenizer has ${tokenizer.vocabSize} tokens: leave vocabSize out or raise it.`,
        { field: "vocabSize" },
      );
    }
    options.signal?.throwIfAborted();
    const device = await openDevice(config, options.device, options);
    try {
      const { notice } = device;
      if (notice) options.onProgress?.({ phase: "compile", loaded: 1, total: 1, notice });
      await fill(device);
    } catch (error) {
      device.gpu.dispose();
      throw error;
    }
    return new Engine(config, tokenizer, seed, device, options);
  }

  async describe(): Promise<ModelDescription> {
    this.#check();
    const { gpu } = this.#device;
    return {
      config: this.config,
      parameters: parameterCount(this.config),
      step: this.#step,
      adapter: describeAdapter(gpu.device),
      memory: { ...this.#device.base.plan.memory, ...gpu.memory },
    };
  }

  train(text: string, options: TrainOptions): TrainRun {
    this.#check();
    const settings = resolveTrainOptions(this.config, options);
    return runOf(() => this.#exclusive(TrainingRun.steps(this.#trained(), text, settings, options.signal)));
  }

  fineTune(examples: readonly Example[], options: FineTuneOptions): FineTuneRun {
    this.#check();
    return runOf(() => this.#exclusive(fineTuneSteps(this.#trained(), examples, options)));
  }

  async replaceHead(options: HeadOptions): Promise<void> {
    this.#check();
    return this.#alone(async () => {
      const config = configWithHead(this.#config, options);
      this.#device = await withHead(this.#device, config, checkSeed(options.seed ?? 0));
      this.#config = config;
    });
  }

  protected override ask<K extends TaskName>(name: K, ...call: Parameters<Tasks[K]>): ReturnType<Tasks[K]> {
    this.#check();
    return this.#alone(() => {
      const task = tasksOf(this.#asked())[name] as (...given: Parameters<Tasks[K]>) => Promise<unknown>;
      return task(...call);
    }) as ReturnType<Tasks[K]>;
  }

  #asked(): TaskModel {
    const { config, tokenizer, seed } = this;
    return { config, tokenizer, seed, ...this.#device };
  }

  #trained(): TrainedModel {
    const engine = this;
    return {
      get config() {
        return engine.#config;
      },
      tokenizer: this.tokenizer,
      seed: this.seed,
      get device() {
        return engine.#device;
      },
      reopen: () => this.#reopen(),
      openStore: (name) => this.#openStore(name),
      openChoices: this.options.openChoices ?? openBrowserChoices,
      sample: async (prompt, tokens, signal) => {
        const pieces = this.#pieces([prompt], { maxNewTokens: tokens, seed: this.seed, signal });
        return (await joined(pieces, 1))[0] ?? "";
      },
      onStep: (step) => {
        this.#step = step;
      },
      onProgress: this.options.onProgress,
    };
  }

  async #openStore(name: string | undefined): Promise<CheckpointStore> {
    if (name === undefined) return memoryStore();
    if (name.startsWith(IN_MEMORY)) return this.#inMemory(name);
    if (this.options.openStore) return this.options.openStore(name);
    return openOpfsStore(name);
  }

  async #reopen(): Promise<OpenDevice> {
    this.#device.gpu.dispose();
    this.#device = await openDevice(this.config, undefined, this.options);
    return this.#device;
  }

  async evaluate(text: string | readonly Example[], options: EvaluateOptions = {}): Promise<Evaluation> {
    this.#check();
    return this.#alone(() => evaluate(this.#asked(), text, options));
  }

  generate(prompts: string | readonly string[], options: GenerateOptions = {}): Generation {
    this.#check();
    const given = typeof prompts === "string" ? [prompts] : prompts;
    const start = () => this.#exclusive(this.#pieces(given, options));
    const texts = async () => joined(start(), given.length);
    return {
      [Symbol.asyncIterator]: start,
      text: async () => (await texts())[0] ?? "",
      texts,
    };
  }

  /** A wrong option is refused where the first piece is asked for, as by a model in a worker. */
  async *#pieces(
    prompts: readonly string[],
    options: GenerateOptions,
  ): AsyncGenerator<GeneratedPiece, undefined> {
    const { tokenizer } = this;
    const config = withHashing(this.config, { numHashes: options.numHashes });
    return yield* generateText({ config, tokenizer, device: this.#device }, prompts, options);
  }

  async files(options: FilesOptions = {}): Promise<ModelFiles> {
    this.#check();
    return this.#alone(async () => {
      const { base, weights } = this.#device;
      return writeModelFiles(this.config, this.tokenizer, await readTensors(base, weights.tensors), options);
    });
  }

  /** Frees all GPU memory; a device the caller gave stays open. Idempotent. */
  async dispose(): Promise<void> {
    this.#disposed = true;
    this.#device.gpu.dispose();
  }

  #check(): void {
    if (this.#disposed) throw new DisposedError("This model was disposed: create or load it again.");
    this.#device.gpu.check();
  }

  /** Runs `work` after all earlier calls. */
  #alone<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#busy.then(work);
    this.#busy = result.catch(() => undefined);
    return result;
  }

  /** Iterates `steps` after all earlier calls; later calls wait until it has ended. */
  async *#exclusive<T, R>(steps: AsyncGenerator<T, R>): AsyncGenerator<T, R> {
    const before = this.#busy;
    let ended = (): void => undefined;
    this.#busy = new Promise((resolve) => {
      ended = () => resolve(undefined);
    });
    try {
      await before;
      return yield* steps;
    } finally {
      ended();
    }
  }
}

/** What continues each prompt. */
async function joined(pieces: AsyncIterable<GeneratedPiece>, prompts: number): Promise<string[]> {
  const texts = Array.from({ length: prompts }, () => "");
  for await (const { text, prompt } of pieces) texts[prompt] += text;
  return texts;
}

function checkSeed(seed: number): number {
  if (Number.isSafeInteger(seed) && seed >= 0) return seed;
  throw new ConfigError(`seed is ${seed}, but must be a whole number from 0 to 2^53 - 1.`, { field: "seed" });
}

export type { ProgressEvent };
