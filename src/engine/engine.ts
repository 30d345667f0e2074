// The engine: one model on one GPU device, on the thread it was made on. The only place that knows all parts.
import type { ReformerConfig } from "../config/config.js";
import { withHashing } from "../config/hashing.js";
import { DisposedError } from "../errors.js";
import type { CheckpointStore } from "../io/checkpoint-store.js";
import { IN_MEMORY, memoryStore, memoryStores } from "../io/memory-store.js";
import type { ModelLocation } from "../io/model-location.js";
import { openOpfsStore } from "../io/opfs-store.js";
import { parameterCount } from "../model/parameters.js";
import type { TaskModel } from "../tasks/reading.js";
import { TaskMethods } from "../tasks/task-methods.js";
import { tasksOf } from "../tasks/tasks.js";
import type { Tokenizer } from "../text/tokenizer.js";
import type {
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
  ReformerOptions,
  TaskName,
  Tasks,
  TrainOptions,
  TrainRun,
} from "../types.js";
import { readTensors } from "./checkpoint.js";
import { openBrowserChoices } from "./choice-memory.js";
import { describeAdapter, type OpenDevice, openDevice } from "./device.js";
import { evaluate } from "./evaluation.js";
import { writeModelFiles } from "./files.js";
import { fineTuneSteps } from "./fine-tuning.js";
import { generateText } from "./generation.js";
import { configWithHead, withHead } from "./head.js";
import { checkSeed, type EngineOptions, newModel, type OpenedModel, savedModel } from "./opening.js";
import { resolveTrainOptions } from "./options.js";
import { runOf } from "./run.js";
import type { TrainedModel } from "./trained-model.js";
import { TrainingRun } from "./training.js";
import { Turns } from "./turns.js";

export class Engine extends TaskMethods implements Model {
  readonly tokenizer: Tokenizer;
  readonly seed: number;
  #config: ReformerConfig;
  #device: OpenDevice;
  #step = 0;
  #disposed = false;
  readonly #inMemory = memoryStores();
  /** Calls use the GPU one after another. */
  readonly #turns = new Turns();

  private constructor(
    { config, tokenizer, seed, device }: OpenedModel,
    readonly options: EngineOptions,
  ) {
    super();
    this.#config = config;
    this.tokenizer = tokenizer;
    this.seed = seed;
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
    return new Engine(await newModel(given, options), options);
  }

  /**
   * A model from its files, wherever they are. Peak memory on this thread: the files, and one tensor as f32. What was kept
   * of files that turn out to be of no use is removed.
   * @throws {CheckpointError} naming the file and what is wrong with it; {DownloadError}
   */
  static async load(location: ModelLocation, options: EngineOptions = {}): Promise<Engine> {
    return new Engine(await savedModel(location, options), options);
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
    const { signal } = options;
    return runOf((stopped) =>
      this.#turns.steps(TrainingRun.steps(this.#trained(), text, settings, { signal, stopped })),
    );
  }

  fineTune(examples: readonly Example[], options: FineTuneOptions): FineTuneRun {
    this.#check();
    return runOf((stopped) => this.#turns.steps(fineTuneSteps(this.#trained(), examples, options, stopped)));
  }

  async replaceHead(options: HeadOptions): Promise<void> {
    this.#check();
    return this.#turns.alone(async () => {
      const config = configWithHead(this.#config, options);
      this.#device = await withHead(this.#device, config, checkSeed(options.seed ?? 0));
      this.#config = config;
    });
  }

  protected override ask<K extends TaskName>(name: K, ...call: Parameters<Tasks[K]>): ReturnType<Tasks[K]> {
    this.#check();
    return this.#turns.alone(() => {
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
    return this.#turns.alone(() => evaluate(this.#asked(), text, options));
  }

  generate(prompts: string | readonly string[], options: GenerateOptions = {}): Generation {
    this.#check();
    const given = typeof prompts === "string" ? [prompts] : prompts;
    const start = () => this.#turns.steps(this.#pieces(given, options));
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
    return this.#turns.alone(async () => {
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
}

/** What continues each prompt. */
async function joined(pieces: AsyncIterable<GeneratedPiece>, prompts: number): Promise<string[]> {
  const texts = Array.from({ length: prompts }, () => "");
  for await (const { text, prompt } of pieces) texts[prompt] += text;
  return texts;
}
