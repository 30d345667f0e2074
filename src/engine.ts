// The engine: one model on one GPU device, on the thread it was made on. The only place that knows all parts.
import { type ReformerConfig, resolveConfig } from "./config.js";
import { readTensors } from "./engine-checkpoint.js";
import { needLanguageModel } from "./engine-data.js";
import { describeAdapter, type OpenDevice, openDevice } from "./engine-device.js";
import { readModelFiles, writeModelFiles, writeWeights } from "./engine-files.js";
import { fineTuneSteps } from "./engine-fine-tuning.js";
import { generateText } from "./engine-generation.js";
import { configWithHead, withHead } from "./engine-head.js";
import { resolveTrainOptions } from "./engine-options.js";
import { type TrainedModel, TrainingRun } from "./engine-training.js";
import { ConfigError, DisposedError } from "./errors.js";
import type { CheckpointStore } from "./io/checkpoint-store.js";
import { memoryStore } from "./io/memory-store.js";
import { fetchModel } from "./io/model-files.js";
import type { ModelLocation } from "./io/model-location.js";
import { openOpfsStore } from "./io/opfs-store.js";
import { initialValues, parameterCount, parameters } from "./model/parameters.js";
import { PreparedPlan } from "./scheduler/run.js";
import { maskWindows } from "./tasks/masking.js";
import { tasksOf } from "./tasks/tasks.js";
import { trainBpe } from "./text/bpe-training.js";
import { byteTokenizer } from "./text/byte-tokenizer.js";
import { characterTokenizer } from "./text/character-tokenizer.js";
import { TokenDataset } from "./text/dataset.js";
import type { Tokenizer } from "./text/tokenizer.js";
import { EVALUATE, evaluateWindows, initialiseWindows, planEvaluation } from "./train/evaluation.js";
import type {
  AnswerOptions,
  AnswerSpan,
  ClassifyOptions,
  CreateOptions,
  EmbedOptions,
  Example,
  FillMaskOptions,
  FineTuneOptions,
  FineTuneRun,
  GeneratedPiece,
  GenerateOptions,
  Generation,
  HeadOptions,
  LabelScore,
  MaskFilling,
  Model,
  ModelDescription,
  ModelFiles,
  ProgressEvent,
  Question,
  ReformerOptions,
  ScoreOptions,
  Tasks,
  TextScore,
  TrainOptions,
  TrainRun,
  TrainSummary,
} from "./types.js";

/** What the engine needs of CreateOptions, and where named checkpoints are kept. */
export interface EngineOptions
  extends Pick<CreateOptions, "seed" | "tokenizer" | "text" | "device" | "signal" | "onProgress"> {
  /** Default: the browser's private file system. */
  readonly openStore?: ((name: string) => Promise<CheckpointStore>) | undefined;
}

export class Engine implements Model {
  #config: ReformerConfig;
  #device: OpenDevice;
  #step = 0;
  #disposed = false;
  /** The call that uses the GPU now: calls wait for one another. */
  #busy: Promise<unknown> = Promise.resolve();

  private constructor(
    config: ReformerConfig,
    readonly tokenizer: Tokenizer,
    readonly seed: number,
    device: OpenDevice,
    readonly options: EngineOptions,
  ) {
    this.#config = config;
    this.#device = device;
  }

  /** Of the body and the head it has now. */
  get config(): ReformerConfig {
    return this.#config;
  }

  /**
   * A new model with random weights.
   * @throws {ConfigError} {WebGPUUnavailableError} {GpuOutOfMemoryError}
   */
  static async create(given: ReformerOptions = {}, options: EngineOptions = {}): Promise<Engine> {
    const tokenizer = await makeTokenizer(options);
    const config = resolveConfig(withVocabulary(given, tokenizer.vocabSize));
    const seed = checkSeed(options.seed ?? 0);
    const engine = await Engine.#open(config, tokenizer, seed, options);
    const list = parameters(config);
    for (const [index, parameter] of list.entries()) {
      options.signal?.throwIfAborted();
      engine.#device.base.write(
        engine.#device.weights.get(parameter.name),
        initialValues(parameter, index, seed),
      );
      options.onProgress?.({ phase: "upload", loaded: index + 1, total: list.length });
    }
    return engine;
  }

  /**
   * A model from its files, wherever they are. Peak memory on this thread: the files, and one tensor as f32.
   * @throws {CheckpointError} naming the file and what is wrong with it; {DownloadError}
   */
  static async load(location: ModelLocation, options: EngineOptions = {}): Promise<Engine> {
    const { signal, onProgress } = options;
    const seed = checkSeed(options.seed ?? 0);
    const { config, tokenizer, weights } = await readModelFiles(
      await fetchModel(location, { signal, onProgress }),
    );
    const engine = await Engine.#open(config, tokenizer, seed, options);
    try {
      const { base, weights: arena, gpu } = engine.#device;
      const target = {
        parameters: parameters(config),
        write: (name: string, values: Float32Array) => base.write(arena.get(name), values),
        flush: () => gpu.device.queue.onSubmittedWorkDone(),
      };
      await writeWeights(weights, target, { seed, signal, onProgress });
    } catch (error) {
      await engine.dispose();
      throw error;
    }
    return engine;
  }

  static async #open(
    config: ReformerConfig,
    tokenizer: Tokenizer,
    seed: number,
    options: EngineOptions,
  ): Promise<Engine> {
    if (config.vocabSize < tokenizer.vocabSize) {
      throw new ConfigError(
        `vocabSize is ${config.vocabSize}, but this tokenizer has ${tokenizer.vocabSize} tokens: leave vocabSize out or raise it.`,
        { field: "vocabSize" },
      );
    }
    options.signal?.throwIfAborted();
    return new Engine(config, tokenizer, seed, await openDevice(config, options.device), options);
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

  classify(texts: readonly string[], options: ClassifyOptions = {}): Promise<LabelScore[][]> {
    return this.#task((tasks) => tasks.classify(texts, options));
  }

  answer(question: Question, options: AnswerOptions = {}): Promise<AnswerSpan[]> {
    return this.#task((tasks) => tasks.answer(question, options));
  }

  fillMask(text: string, options: FillMaskOptions = {}): Promise<MaskFilling[][]> {
    return this.#task((tasks) => tasks.fillMask(text, options));
  }

  embed(texts: readonly string[], options: EmbedOptions = {}): Promise<Float32Array[]> {
    return this.#task((tasks) => tasks.embed(texts, options));
  }

  score(text: string, options: ScoreOptions = {}): Promise<TextScore> {
    return this.#task((tasks) => tasks.score(text, options));
  }

  async #task<T>(ask: (tasks: Tasks) => Promise<T>): Promise<T> {
    this.#check();
    const { config, tokenizer, seed } = this;
    return this.#alone(() => ask(tasksOf({ config, tokenizer, seed, ...this.#device })));
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
      sample: (prompt, tokens, signal) =>
        this.#write(prompt, { maxNewTokens: tokens, seed: this.seed, signal }),
      onStep: (step) => {
        this.#step = step;
      },
      onProgress: this.options.onProgress,
    };
  }

  async #openStore(name: string | undefined): Promise<CheckpointStore> {
    if (name === undefined) return memoryStore();
    if (this.options.openStore) return this.options.openStore(name);
    return openOpfsStore(name);
  }

  async #reopen(): Promise<OpenDevice> {
    this.#device.gpu.dispose();
    this.#device = await openDevice(this.config);
    return this.#device;
  }

  async evaluate(
    text: string,
    options: {
      length?: number | undefined;
      lsh?: boolean | undefined;
      signal?: AbortSignal | undefined;
    } = {},
  ): Promise<{ loss: number; bitsPerCharacter: number; tokens: number }> {
    this.#check();
    return this.#alone(async () => {
      needLanguageModel(this.config, "evaluate()");
      const dataset = await TokenDataset.fromText(text, this.tokenizer, {
        heldOut: 0.999999,
        signal: options.signal,
      });
      const length = Math.min(options.length ?? 512, dataset.heldOut.length - 1);
      const { gpu, base, weights, profile } = this.#device;
      const shape = { batchSize: 1, length: Math.max(1, length), streams: "f32" } as const;
      const { plan, windows } = planEvaluation(this.config, shape, weights, profile);
      const prepared = await PreparedPlan.create(gpu, plan, { shared: base, signal: options.signal });
      try {
        initialiseWindows(prepared, windows);
        const run = options.lsh === false ? EVALUATE.withoutLsh : EVALUATE.all;
        const windowed = dataset.heldOutWindows(shape);
        const masked = this.config.head === "masked-language-model";
        const batches = masked ? maskWindows(this.config, windowed, this.seed) : windowed;
        const { loss, tokens } = await evaluateWindows(prepared, windows, run, batches, {
          seed: this.seed,
          signal: options.signal,
        });
        return { loss, tokens, bitsPerCharacter: dataset.bitsPerCharacter(loss) };
      } finally {
        prepared.dispose();
      }
    });
  }

  generate(prompt: string, options: GenerateOptions = {}): Generation {
    this.#check();
    const start = () => this.#exclusive(this.#pieces(prompt, options));
    return {
      [Symbol.asyncIterator]: start,
      text: async () => {
        let all = "";
        for await (const { text } of start()) all += text;
        return all;
      },
    };
  }

  #pieces(prompt: string, options: GenerateOptions): AsyncGenerator<GeneratedPiece, undefined> {
    const model = { config: this.config, tokenizer: this.tokenizer, device: this.#device };
    return generateText(model, prompt, options);
  }

  async #write(prompt: string, options: GenerateOptions): Promise<string> {
    let all = "";
    for await (const { text } of this.#pieces(prompt, options)) all += text;
    return all;
  }

  async files(): Promise<ModelFiles> {
    this.#check();
    return this.#alone(async () => {
      const { base, weights } = this.#device;
      return writeModelFiles(this.config, this.tokenizer, await readTensors(base, weights.tensors));
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

/** A run to iterate over or to finish; it starts with the first step. */
function runOf<T>(start: () => AsyncGenerator<T, TrainSummary>) {
  return {
    [Symbol.asyncIterator]: () => withoutResult(start()),
    finish: async (): Promise<TrainSummary> => {
      const steps = start();
      for (;;) {
        const { done, value } = await steps.next();
        if (done) return value;
      }
    },
  };
}

/** The steps alone: what a `for await` loop sees. */
async function* withoutResult<T>(steps: AsyncGenerator<T, unknown>): AsyncGenerator<T, undefined> {
  yield* steps;
  return undefined;
}

/** The tokenizer's vocabulary, and for a masked language model one token more: the mask. */
function withVocabulary(given: ReformerOptions, tokens: number): ReformerOptions {
  const masked = given.head === "masked-language-model" && given.maskTokenId === undefined;
  if (!masked || given.vocabSize !== undefined) return { ...given, vocabSize: given.vocabSize ?? tokens };
  return { ...given, vocabSize: tokens + 1, maskTokenId: tokens };
}

async function makeTokenizer({ tokenizer, text, signal }: EngineOptions): Promise<Tokenizer> {
  switch (tokenizer?.type) {
    case undefined:
    case "bytes":
      return byteTokenizer();
    case "characters":
      return characterTokenizer(needText(text, "characters"));
    case "bpe":
      return trainBpe(needText(text, "bpe"), { vocabSize: tokenizer.vocabSize, signal });
    default:
      throw new ConfigError(
        `tokenizer is ${JSON.stringify(tokenizer)}, but its type must be "bytes", "characters" or "bpe".`,
        {
          field: "tokenizer",
        },
      );
  }
}

function needText(text: string | undefined, type: string): string {
  if (text) return text;
  throw new ConfigError(
    `tokenizer "${type}" makes its vocabulary from a text: pass the text to train on as \`text\`.`,
    {
      field: "text",
    },
  );
}

function checkSeed(seed: number): number {
  if (Number.isSafeInteger(seed) && seed >= 0) return seed;
  throw new ConfigError(`seed is ${seed}, but must be a whole number from 0 to 2^53 - 1.`, { field: "seed" });
}

export type { ProgressEvent };
