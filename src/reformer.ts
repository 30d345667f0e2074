// The one noun of the public API: a model, wherever it runs.
import { DisposedError } from "./errors.js";
import type { ModelFolder } from "./io/model-folder.js";
import { type ModelSource, modelLocation } from "./io/model-source.js";
import { openModel, type WorkerKind } from "./open-model.js";
import type {
  AnswerOptions,
  AnswerSpan,
  ClassifyOptions,
  ConvertOptions,
  CoverageOptions,
  CreateOptions,
  EmbedOptions,
  EvaluateOptions,
  Evaluation,
  Example,
  ExplainOptions,
  Explanation,
  FilesOptions,
  FillMaskOptions,
  FineTuneOptions,
  FineTuneRun,
  GenerateOptions,
  Generation,
  HeadCoverage,
  HeadOptions,
  Inspection,
  InspectOptions,
  LabelScore,
  LoadOptions,
  MaskFilling,
  Model,
  ModelDescription,
  ModelFiles,
  Question,
  ReformerOptions,
  ScoreOptions,
  TextScore,
  TrainOptions,
  TrainRun,
} from "./types.js";
import type { ModelOrigin } from "./worker/protocol.js";

/** `await using` calls it. Older browsers lack the symbol; compilers then look for this one. */
const ASYNC_DISPOSE: typeof Symbol.asyncDispose =
  Symbol.asyncDispose ?? (Symbol.for("Symbol.asyncDispose") as typeof Symbol.asyncDispose);

/** Writes one file of a saved model. */
export type SaveFile = (name: string, content: Uint8Array<ArrayBuffer>) => void | Promise<void>;

/**
 * A Reformer that trains and writes text. It owns GPU memory until `dispose()`, which `await using` calls by itself;
 * every later call throws a DisposedError.
 */
export class Reformer implements Model {
  readonly #model: Model;
  #disposal: Promise<void> | undefined;

  private constructor(
    model: Model,
    /** The kind of worker this model runs in; "none" is the thread that made it. */
    readonly worker: WorkerKind,
  ) {
    this.#model = model;
  }

  /**
   * A new model with random weights.
   * @throws {ConfigError} {WebGPUUnavailableError} {SelfTestError} {GpuOutOfMemoryError} {WorkerDiedError}
   */
  static create(config: ReformerOptions = {}, options: CreateOptions = {}): Promise<Reformer> {
    return Reformer.#open({ config }, options);
  }

  /**
   * A saved model: `"owner/name"` on the model hub (huggingface.co), the address of a folder (a URL, or text that begins
   * with `https:`, `/` or `./`), a folder or the files that a person chose, or what `files()` gave. A worker, where there
   * is one, downloads and reads them.
   * @throws {CheckpointError} {DownloadError} {WebGPUUnavailableError} {SelfTestError} {GpuOutOfMemoryError} {WorkerDiedError}
   */
  static async load(source: ModelSource, options: LoadOptions = {}): Promise<Reformer> {
    const { revision, cache, integrity, fetch, ...rest } = options;
    const place = modelLocation(source, {
      ...{ revision, cache, integrity },
      base: globalThis.location?.href,
    });
    if (!fetch) return Reformer.#open({ location: place }, rest);
    const { fetchModel } = await import("./io/model-files.js");
    const { useFiles } = await import("./io/model-location.js");
    const files = await fetchModel(place, { fetch, signal: rest.signal, onProgress: rest.onProgress });
    return useFiles(place, files, () => Reformer.#open({ location: { files } }, rest));
  }

  static async #open(origin: ModelOrigin, options: CreateOptions): Promise<Reformer> {
    const { model, worker } = await openModel(origin, options);
    return new Reformer(model, worker);
  }

  async describe(): Promise<ModelDescription> {
    return this.#live().describe();
  }

  /**
   * Trains on a text. Iterate over the steps (leaving the loop stops the run) or call `finish()`. In a worker up to 8
   * steps are taken ahead of the loop, so the model may be that much further than the last step seen; `stop()` ends the
   * run once the loop has seen them.
   */
  train(text: string, options: TrainOptions): TrainRun {
    return this.#live().train(text, options);
  }

  /**
   * Trains the head, and the body unless it is frozen, on examples of one head: { text, label }, { question, context,
   * answer } or { text } with a masked language model. Ended by itself, it leaves the weights of the lowest held-out loss.
   */
  fineTune(examples: readonly Example[], options: FineTuneOptions): FineTuneRun {
    return this.#live().fineTune(examples, options);
  }

  /** Puts a new head with random weights on the body, which keeps its weights. */
  async replaceHead(options: HeadOptions): Promise<void> {
    return this.#live().replaceHead(options);
  }

  /** Labels and scores of a text, or of each of several; the most probable first. */
  classify(texts: string, options?: ClassifyOptions): Promise<LabelScore[]>;
  classify(texts: readonly string[], options?: ClassifyOptions): Promise<LabelScore[][]>;
  async classify(
    texts: string | readonly string[],
    options: ClassifyOptions = {},
  ): Promise<LabelScore[] | LabelScore[][]> {
    if (typeof texts !== "string") return this.#live().classify(texts, options);
    return (await this.#live().classify([texts], options))[0] ?? [];
  }

  /** Where in the context the answer stands, the most probable span first; "" where there is probably none. */
  async answer(question: Question, options: AnswerOptions = {}): Promise<AnswerSpan[]> {
    return this.#live().answer(question, options);
  }

  /** Candidates for every [MASK] of the text. */
  async fillMask(text: string, options: FillMaskOptions = {}): Promise<MaskFilling[][]> {
    return this.#live().fillMask(text, options);
  }

  /** What a text, or each of several, becomes: the target that a sequence-to-sequence model writes for it. */
  convert(texts: string, options?: ConvertOptions): Promise<string>;
  convert(texts: readonly string[], options?: ConvertOptions): Promise<string[]>;
  async convert(texts: string | readonly string[], options: ConvertOptions = {}): Promise<string | string[]> {
    if (typeof texts !== "string") return this.#live().convert(texts, options);
    return (await this.#live().convert([texts], options))[0] ?? "";
  }

  /** A vector of 2 · hiddenSize numbers for a text, or for each of several; any head does. */
  embed(texts: string, options?: EmbedOptions): Promise<Float32Array>;
  embed(texts: readonly string[], options?: EmbedOptions): Promise<Float32Array[]>;
  async embed(
    texts: string | readonly string[],
    options: EmbedOptions = {},
  ): Promise<Float32Array | Float32Array[]> {
    if (typeof texts !== "string") return this.#live().embed(texts, options);
    return (await this.#live().embed([texts], options))[0] ?? new Float32Array();
  }

  /** Surprise of every token of a text, in bits, and per byte. */
  async score(text: string, options: ScoreOptions = {}): Promise<TextScore> {
    return this.#live().score(text, options);
  }

  /**
   * How much of exact full attention the candidates of every head hold, by rounds of hashing: what LSH and windows miss.
   * The work grows with the square of the length; by default the first 1,024 tokens are taken.
   */
  async coverage(text: string, options: CoverageOptions = {}): Promise<HeadCoverage[]> {
    return this.#live().coverage(text, options);
  }

  /** Buckets, sorted order, queries and keys of one head; `attentionOf(inspection, token)` gives its weights. */
  async inspect(text: string, options: InspectOptions): Promise<Inspection> {
    return this.#live().inspect(text, options);
  }

  /** How much every token of a text speaks for its label, or for the token that comes next. */
  async explain(text: string, options: ExplainOptions = {}): Promise<Explanation> {
    return this.#live().explain(text, options);
  }

  /** Loss on a text: nats per token and bits per character; or on examples of the model's head. `lsh: false` zeroes the LSH layers' output. */
  async evaluate(text: string | readonly Example[], options: EvaluateOptions = {}): Promise<Evaluation> {
    return this.#live().evaluate(text, options);
  }

  /**
   * Continues a prompt, or several at once. Iterate over the pieces (leaving the loop stops it) or call `text()` or, of
   * several, `texts()`.
   */
  generate(prompts: string | readonly string[], options: GenerateOptions = {}): Generation {
    return this.#live().generate(prompts, options);
  }

  /** safetensors, config.json and tokenizer.json as `transformers` opens them. */
  async files(options: FilesOptions = {}): Promise<ModelFiles> {
    return this.#live().files(options);
  }

  /**
   * Saves `files()`: into a folder the person chose, by a function of yours, or (default) as downloads of the browser. A
   * folder holds this model alone in the end; interrupted, it is the model before or this one, or, while settings change,
   * has no config.json, and is refused until a model is saved there again.
   */
  async save(
    target: FileSystemDirectoryHandle | ModelFolder | SaveFile = download,
    options: FilesOptions = {},
  ): Promise<void> {
    const files = await this.files(options);
    if (target instanceof Function) {
      for (const [name, content] of Object.entries(files)) await target(name, content);
      return;
    }
    const { chosenFolder, saveIntoFolder } = await import("./io/model-folder.js");
    await saveIntoFolder(files, "getFileHandle" in target ? chosenFolder(target) : target);
  }

  /** Ends everything this model is doing and frees its GPU memory. Idempotent. */
  dispose(): Promise<void> {
    this.#disposal ??= this.#model.dispose();
    return this.#disposal;
  }

  [ASYNC_DISPOSE](): Promise<void> {
    return this.dispose();
  }

  #live(): Model {
    if (this.#disposal) throw new DisposedError("This Reformer was disposed: create or load it again.");
    return this.#model;
  }
}

/** Milliseconds. */
const DOWNLOAD_STARTS_WITHIN = 60_000;

function download(name: string, content: Uint8Array<ArrayBuffer>): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([content]));
  link.download = name;
  link.click();
  // Browsers read the blob after the click, some only once the person has said where the file goes.
  setTimeout(() => URL.revokeObjectURL(link.href), DOWNLOAD_STARTS_WITHIN);
}
