import type { CreateOptions, Model, ModelFiles, ReformerOptions, Runtime } from "./runtime.js";
import type { Preparing } from "./session-state.js";
import { memoryLimitOf, type Settings, tokenizerOptions } from "./settings.js";

/** What a model is made from. */
export type ModelOrigin =
  | { readonly config: ReformerOptions }
  | { readonly files: ModelFiles }
  | { readonly address: string };

/** The page's one model: opening another frees the one before. */
export class ModelHolder {
  #model: Model | null = null;
  #files: ModelFiles | undefined;

  constructor(private readonly runtime: Runtime) {}

  get model(): Model | null {
    return this.#model;
  }
  /** Files that it was opened from, if it was, or that stand for what it began with. */
  get files(): ModelFiles | undefined {
    return this.#files;
  }

  /** @param text that the model will be trained on: its vocabulary may come from it */
  async open(
    origin: ModelOrigin,
    settings: Settings,
    text: string,
    signal: AbortSignal,
    onPreparing: (preparing: Preparing) => void,
  ): Promise<Model> {
    await this.close();
    const options: CreateOptions = {
      seed: settings.seed,
      tokenizer: tokenizerOptions(settings),
      text,
      memoryLimit: memoryLimitOf(settings),
      interactive: true,
      signal,
      onProgress: ({ phase, loaded, total }) => onPreparing({ phase, share: total > 0 ? loaded / total : 0 }),
    };
    if ("files" in origin) {
      this.#model = await this.runtime.load(origin.files, options);
      this.#files = origin.files;
    } else if ("address" in origin) {
      // It may bring no tokenizer; then it is one of bytes, not one of this page's text.
      this.#model = await this.runtime.load(origin.address, { ...options, tokenizer: { type: "bytes" } });
    } else {
      this.#model = await this.runtime.create(origin.config, options);
    }
    return this.#model;
  }

  /** From here on the model counts as opened from what it is now. */
  async fix(): Promise<void> {
    this.#files = await this.#model?.files();
  }

  async close(): Promise<void> {
    const model = this.#model;
    this.#model = null;
    this.#files = undefined;
    await model?.dispose();
  }
}
