// The public vocabulary: what a model is asked, and what it answers. The engine, the worker and the page share it.
import type { ReformerConfig, ReformerOptions } from "./config/config.js";
import type { Hashing, HashOptions } from "./config/hashing.js";
import type { GenerateOptions, Generation } from "./types-generation.js";
import type { Example, HeadOptions, Tasks } from "./types-tasks.js";
import type { FineTuneOptions, FineTuneRun, TrainOptions, TrainRun } from "./types-training.js";

/** Bytes of GPU memory by category; `total` is exactly what is asked of the GPU. */
export interface MemoryUse {
  readonly weights: number;
  readonly gradients: number;
  readonly optimizer: number;
  readonly streams: number;
  readonly workspace: number;
  readonly state: number;
  readonly "dispatch parameters": number;
  readonly total: number;
  /** Largest single storage binding. */
  readonly largestBinding: number;
}

/** How text becomes token ids. */
export type TokenizerOptions =
  | { readonly type: "bytes" }
  | { readonly type: "characters" }
  | { readonly type: "bpe"; readonly vocabSize: number };

export interface AdapterDescription {
  readonly vendor: string;
  readonly architecture: string;
  readonly description: string;
  readonly features: readonly string[];
  readonly maxBufferSize: number;
  readonly maxStorageBufferBindingSize: number;
  /** True for a software adapter such as SwiftShader or lavapipe. */
  readonly fallback: boolean;
}

/** Progress of long work before the first result; monotonic per phase, the last event has loaded === total. */
export interface ProgressEvent {
  /** Bytes of files, bytes or tensors of weights, GPU programs, or UTF-16 units of a text that becomes tokens. */
  readonly phase: "download" | "upload" | "compile" | "encode";
  readonly loaded: number;
  readonly total: number;
  /** Downloaded now. */
  readonly file?: string | undefined;
  /** Something the person should know, in a sentence. */
  readonly notice?: string | undefined;
}

/** Where the engine runs and how it reports. */
export interface CreateOptions {
  /** Seeds weights, hashing, dropout, batches and sampling; default 0. */
  readonly seed?: number | undefined;
  /** Default: characters of the training text are bytes. Of a loaded model: where it has no tokenizer.json. */
  readonly tokenizer?: TokenizerOptions | undefined;
  /** Text that a vocabulary of characters or BPE pieces is made from. */
  readonly text?: string | undefined;
  /** "auto" (default): a worker, by URL or inline; "none": this thread. */
  readonly worker?: "auto" | "url" | "inline" | "none" | Worker | (() => Worker) | undefined;
  /** Use this device, on this thread. The caller keeps owning it. */
  readonly device?: GPUDevice | undefined;
  /**
   * Bytes of GPU memory that the model may hold at once. Feed-forward blocks and heads take fewer rows at a time where a
   * run would need more; one that still does is refused, and says the longest length that fits. Default: what there is.
   */
  readonly memoryLimit?: number | undefined;
  /**
   * true: this model works while a person uses the page. Its work is handed to the GPU in slices of about 16 ms, so that
   * what the page draws need not wait; by default of about 100 ms. Results do not depend on it.
   */
  readonly interactive?: boolean | undefined;
  /**
   * false: kernels are used as the device prefers, without running each on a tiny case before its first use. By default a
   * form that gives a wrong answer is replaced by the next one, and a notice of `onProgress`, which may come whenever the
   * model does something new, and of the first training step says so.
   */
  readonly selfTest?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((event: ProgressEvent) => void) | undefined;
}

/** How a model is loaded. */
export interface LoadOptions extends CreateOptions {
  /** Branch, tag or commit on the model hub; default "main". */
  readonly revision?: string | undefined;
  /** Keep downloaded files for the next visit, in the browser's private file system; default true. */
  readonly cache?: boolean | undefined;
  /**
   * SHA-256 in hexadecimal by file name: a file of another is refused, and one that was kept is downloaded again first. Where
   * none is given, that of a large file on the hub is the one that the hub lists, if it answers within 30 seconds.
   */
  readonly integrity?: Readonly<Record<string, string>> | undefined;
  /** Fetches the files, on this thread; default: the global one, in the worker where there is one. */
  readonly fetch?: typeof fetch | undefined;
}

/** What a model is and what it holds now. */
export interface ModelDescription {
  readonly config: ReformerConfig;
  readonly parameters: number;
  readonly step: number;
  readonly adapter: AdapterDescription;
  readonly memory: MemoryUse;
}

export interface PlanOptions {
  readonly batchSize?: number | undefined;
  /** Tokens per sequence, or per source. */
  readonly length: number;
  /** Tokens of a target, of a sequence-to-sequence model; default `length`. */
  readonly targetLength?: number | undefined;
  /** "train" (default), "evaluate" (forward and loss) or "generate". */
  readonly mode?: "train" | "evaluate" | "generate" | undefined;
  readonly backward?: "reversible" | "stored" | undefined;
  readonly streams?: "int32" | "f32" | undefined;
  readonly precision?: "f32" | "mixed" | undefined;
  readonly optimizer?: "adamw" | "adafactor" | undefined;
  /** As of `CreateOptions`. */
  readonly memoryLimit?: number | undefined;
}

export interface ProfileOptions extends Omit<TrainOptions, "steps"> {
  /** Timed runs, of which the median is given; default 1. */
  readonly repeats?: number | undefined;
}

export interface EvaluateOptions extends HashOptions {
  /** Tokens of a window; default 512, at most those of the text. */
  readonly length?: number | undefined;
  /** false: the LSH layers' output is zeroed. */
  readonly lsh?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface Evaluation {
  /** Nats per token, or per example. */
  readonly loss: number;
  /** Of a text; of examples, bits per target. */
  readonly bitsPerCharacter: number;
  /** Of a text; of examples, their targets. */
  readonly tokens: number;
  /** Share of right predictions; of examples whose predictions are right or wrong. */
  readonly accuracy?: number | undefined;
}

/** A model directory or download: file name to content. */
export type ModelFiles = Readonly<Record<string, Uint8Array<ArrayBuffer>>>;

/** How weights are written. */
export interface FilesOptions {
  /** Default "float32", in which a model is saved as it is; the others round. */
  readonly dtype?: "float32" | "float16" | "bfloat16" | undefined;
  /** Weights beyond so many bytes are written in parts no larger, unless a single tensor is, with an index; default: one file. */
  readonly shardBytes?: number | undefined;
}

/**
 * The calls a model answers, wherever it runs. The engine implements them on its own thread; the worker client has the
 * same ones on the page.
 */
export interface Model extends Tasks {
  describe(): Promise<ModelDescription>;
  train(text: string, options: TrainOptions): TrainRun;
  /**
   * Trains the head, and the body unless it is frozen, on examples: { text, label } for classification,
   * { question, context, answer } for question answering, { text } for a masked language model, { text, target } for a
   * sequence-to-sequence model.
   */
  fineTune(examples: readonly Example[], options: FineTuneOptions): FineTuneRun;
  /** Puts a new head with random weights on the body, which keeps its weights. */
  replaceHead(options: HeadOptions): Promise<void>;
  /** Loss on a text, or on examples of the model's head. */
  evaluate(text: string | readonly Example[], options?: EvaluateOptions): Promise<Evaluation>;
  generate(prompts: string | readonly string[], options?: GenerateOptions): Generation;
  /** safetensors + config.json (Hugging Face layout) + tokenizer.json. */
  files(options?: FilesOptions): Promise<ModelFiles>;
  dispose(): Promise<void>;
}

export type * from "./types-generation.js";
export type * from "./types-tasks.js";
export type * from "./types-training.js";
export type { Hashing, ReformerConfig, ReformerOptions };
