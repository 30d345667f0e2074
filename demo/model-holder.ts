import type { CreateOptions, Model, ModelFiles, ReformerOptions, Runtime } from "./runtime.js";

/** What a model is made from. */
export type ModelOrigin = { readonly config: ReformerOptions } | { readonly files: ModelFiles };

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

  async open(origin: ModelOrigin, options: CreateOptions): Promise<Model> {
    await this.close();
    if ("files" in origin) {
      this.#model = await this.runtime.load(origin.files, options);
      this.#files = origin.files;
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
