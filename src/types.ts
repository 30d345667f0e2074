// The public vocabulary: what a model is asked, and what it answers. The engine, the worker and the page share it.
import type { ReformerConfig, ReformerOptions } from "./config/config.js";
import type { Hashing, HashOptions } from "./config/hashing.js";
import type { GenerateOptions, Generation } from "./types-generation.js";
import type { Example, HeadOptions, Tasks } from "./types-tasks.js";

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
   * false: kernels are used as the device prefers, without running each on a tiny case first. By default a form that
   * gives a wrong answer is replaced by the next one, and a notice of `onProgress` and of the first training step says so.
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

export type LearningRateSchedule = "constant" | "linear" | "cosine" | "inverse-square-root";

export interface TrainOptions {
  /** Optimiser steps in all, those of a resumed run included. */
  readonly steps: number;
  /** Sequences per step; default 1. */
  readonly batchSize?: number | undefined;
  /** Tokens per sequence; default 512. Any length up to the model's maxLength. */
  readonly length?: number | undefined;
  /** Batches whose gradients are summed into one optimiser step; default 1. */
  readonly accumulate?: number | undefined;
  readonly optimizer?: "adamw" | "adafactor" | undefined;
  /** Peak learning rate; default 1e-3. */
  readonly learningRate?: number | undefined;
  readonly schedule?: LearningRateSchedule | undefined;
  /** Steps over which the learning rate rises from 0; default 5 % of `steps`. */
  readonly warmupSteps?: number | undefined;
  readonly weightDecay?: number | undefined;
  /** Largest global gradient norm; default 1. 0 switches clipping off. */
  readonly clipNorm?: number | undefined;
  readonly labelSmoothing?: number | undefined;
  /** How activations come back in the backward pass; default "reversible". */
  readonly backward?: "reversible" | "stored" | undefined;
  /** Residual streams: exact int32 fixed point (default) or f32. */
  readonly streams?: "int32" | "f32" | undefined;
  /**
   * "mixed": matrix products round their operands to half precision and sum in f32, and attention's normalised rows,
   * queries, keys and values are stored so; weights, optimiser and everything else stay f32. The loss is scaled to keep
   * gradients in range; a step that leaves it is skipped. Default "f32".
   */
  readonly precision?: "f32" | "mixed" | undefined;
  /**
   * true: a new run first times the forms of its matrix products on this device, for about a second, and takes the fastest
   * ones until its end (its checkpoints name them); in "f32" only. What was found is kept for later runs and visits. Forms
   * round differently, so two runs that timed for themselves may differ in the last bits, which is why the default is false.
   */
  readonly tune?: boolean | undefined;
  /** Share of the text, its end, that is never trained on; default 0.1. */
  readonly heldOut?: number | undefined;
  /** Windows to train on begin at multiples of so many tokens of the text; default 1. For texts of records. */
  readonly stride?: number | undefined;
  /** Steps between evaluations on the held-out text; default 50. 0 switches them off. */
  readonly evaluateEvery?: number | undefined;
  /** Tokens of held-out text per evaluation, from its start; default 4,096. */
  readonly evaluateTokens?: number | undefined;
  /** Steps between saved checkpoints; default 100. 0: only at the end and on pause. */
  readonly checkpointEvery?: number | undefined;
  /**
   * Name to save under (OPFS in a browser, a folder in Node); none: nothing is saved. One that begins with "memory:" is
   * kept in memory as long as this model: a run can be left for another call and gone on with.
   */
  readonly checkpoint?: string | undefined;
  /** Go on from the checkpoint of that name where there is one; default true. */
  readonly resume?: boolean | undefined;
  /** Steps between texts written by the model; default 0, none. */
  readonly sampleEvery?: number | undefined;
  readonly samplePrompt?: string | undefined;
  readonly sampleTokens?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** One optimiser step. Losses are in nats per token. */
export interface TrainStep {
  readonly step: number;
  readonly steps: number;
  readonly loss: number;
  /** loss in bits per character of the text trained on. */
  readonly bitsPerCharacter: number;
  readonly gradientNorm: number;
  readonly learningRate: number;
  /** Averaged over the last 16 steps. */
  readonly tokensPerSecond: number;
  readonly secondsLeft: number;
  readonly heldOut?:
    | {
        readonly loss: number;
        readonly bitsPerCharacter: number;
        /** Share of right predictions; of examples with labels that are right or wrong. */
        readonly accuracy?: number | undefined;
      }
    | undefined;
  /** Text the model wrote after this step. */
  readonly sample?: string | undefined;
  /** True where a checkpoint of this step has been written. */
  readonly saved?: boolean | undefined;
  /** Said once after a lost device: the run went on from this earlier step on a new one. */
  readonly recoveredFrom?: number | undefined;
  /** Something the person should know, in a sentence. */
  readonly notice?: string | undefined;
}

export interface TrainSummary {
  readonly step: number;
  readonly loss: number;
  readonly heldOut?: { readonly loss: number; readonly bitsPerCharacter: number } | undefined;
  readonly seconds: number;
  /** Of a run that keeps its best checkpoint: the step whose weights the model has now. */
  readonly best?: { readonly step: number; readonly loss: number } | undefined;
}

/** As `TrainOptions`, with examples instead of a text. `length` is that of the longest example where left out. */
export interface FineTuneOptions
  extends Omit<
    TrainOptions,
    "heldOut" | "stride" | "evaluateTokens" | "sampleEvery" | "samplePrompt" | "sampleTokens"
  > {
  /** Share of the examples, drawn with the seed, that is never trained on (default 0.1), or such examples. */
  readonly heldOut?: number | readonly Example[] | undefined;
  /** Parameters whose names begin with one of these stay as they are: "reformer." trains the head alone. */
  readonly freeze?: readonly string[] | undefined;
  /** What the examples of each label count, for single-label heads; default 1 each. Held-out ones always count 1. */
  readonly classWeights?: readonly number[] | undefined;
  /** Evaluations without a lower held-out loss before the run stops; default 3. 0: it takes all steps. */
  readonly patience?: number | undefined;
  /**
   * Tokens of a target, its end included, where the model is sequence to sequence and `length` counts those of a source;
   * default: of the longest target.
   */
  readonly targetLength?: number | undefined;
  /** Share of tokens hidden from a masked language model; default 0.15. */
  readonly maskShare?: number | undefined;
}

/** One optimiser step on examples. Losses are in nats per example (per hidden token), or squares for regression. */
export interface FineTuneStep extends Omit<TrainStep, "bitsPerCharacter" | "heldOut" | "sample"> {
  /** On the held-out examples; accuracy where predictions are right or wrong. */
  readonly heldOut?: { readonly loss: number; readonly accuracy?: number | undefined } | undefined;
}

/** As `TrainRun`. When it has ended by itself, the model has the weights of the lowest held-out loss. */
export interface FineTuneRun extends AsyncIterable<FineTuneStep> {
  finish(): Promise<TrainSummary>;
}

/** An async iterable of steps; leaving the loop stops the run at a step boundary. */
export interface TrainRun extends AsyncIterable<TrainStep> {
  /** Runs to the end without a loop. */
  finish(): Promise<TrainSummary>;
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
export type { Hashing, ReformerConfig, ReformerOptions };
