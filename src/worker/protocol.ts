// What a page and its worker say to each other. Comlink carries the calls; this file has no code.
//
// The page posts a `Connect` message; all calls then take its port, so they arrive in the order in which they were sent
// and do not mix with other messages of the worker. Models and calls have ids, chosen by the page.
import type { ErrorDetails } from "../errors.js";
import type { ModelLocation } from "../io/model-location.js";
import type {
  CreateOptions,
  EvaluateOptions,
  Evaluation,
  Example,
  FilesOptions,
  FineTuneOptions,
  GenerateOptions,
  HeadOptions,
  Model,
  ModelDescription,
  ModelFiles,
  ProgressEvent,
  ReformerOptions,
  TaskName,
  TrainOptions,
} from "../types.js";

/** What a model is made from: settings, or a saved one. */
export type ModelOrigin = { readonly config: ReformerOptions } | { readonly location: ModelLocation };

/** The part of `CreateOptions` that the engine itself needs. */
export type EngineOptions = Pick<
  CreateOptions,
  "seed" | "tokenizer" | "text" | "memoryLimit" | "interactive" | "selfTest" | "signal" | "onProgress"
>;

/** What makes models; the class `Engine` is one. */
export interface EngineFactory {
  create(config: ReformerOptions, options: EngineOptions): Promise<Model>;
  load(location: ModelLocation, options: EngineOptions): Promise<Model>;
}

/** Options that survive structured cloning. */
export type Sent<T> = Omit<T, "signal" | "onProgress">;

/** A call in the worker that takes steps. */
export type RunRequest =
  | { readonly kind: "train"; readonly text: string; readonly options: Sent<TrainOptions> }
  | {
      readonly kind: "fineTune";
      readonly examples: readonly Example[];
      readonly options: Sent<FineTuneOptions>;
    }
  | {
      readonly kind: "generate";
      readonly prompts: readonly string[];
      readonly options: Sent<GenerateOptions>;
    };

/** A task: the method of `Tasks` of that name, what it is asked and its options without the signal. */
export interface TaskRequest {
  readonly name: TaskName;
  readonly input: unknown;
  readonly options: object;
}

/** The first message to a worker. */
export interface Connect {
  readonly type: "webgpu-reformer:connect";
  readonly port: MessagePort;
}

/** What the worker exposes on that port. */
export interface Host {
  /** Takes the Web Lock `lock` for as long as the worker lives, where there are Web Locks. */
  hello(lock: string): Promise<{ readonly gpu: boolean }>;
  open(
    model: number,
    call: number,
    origin: ModelOrigin,
    options: Sent<EngineOptions>,
    onProgress?: (event: ProgressEvent) => void,
  ): Promise<void>;
  describe(model: number): Promise<ModelDescription>;
  files(model: number, options: FilesOptions): Promise<ModelFiles>;
  evaluate(
    model: number,
    call: number,
    text: string | readonly Example[],
    options: Sent<EvaluateOptions>,
  ): Promise<Evaluation>;
  task(model: number, call: number, request: TaskRequest): Promise<unknown>;
  replaceHead(model: number, options: HeadOptions): Promise<void>;
  /** Prepares a run; it starts with the first `next` or with `finish`. */
  start(model: number, call: number, request: RunRequest): Promise<void>;
  next(call: number): Promise<IteratorResult<unknown, undefined>>;
  /** Takes all steps without sending them: what `TrainRun.finish` or `Generation.texts` gives. */
  finish(call: number): Promise<unknown>;
  /** No step of a run begins after this; `next` and `finish` still give those that had begun. */
  windUp(call: number): Promise<void>;
  /** Stops a run at its next step boundary and resolves when it has stopped. */
  stop(call: number): Promise<void>;
  /** Aborts the signal of a call; a run is over then. */
  abort(call: number): Promise<void>;
  /** Aborts the calls of a model and frees it. */
  dispose(model: number): Promise<void>;
}

/** An error on its way to the page. Comlink would keep neither class nor details, so it is sent as a plain object. */
export interface SentError {
  readonly name: string;
  readonly message: string;
  readonly stack: string | undefined;
  /** Only errors of this library have details. */
  readonly details: ErrorDetails | undefined;
}
