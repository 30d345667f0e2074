/** An engine without a GPU, for tests of the transport: it counts, fails and hangs on request. */
import { ConfigError, DivergedError } from "../../src/errors.js";
import type {
  GeneratedPiece,
  Generation,
  Model,
  ModelDescription,
  ModelFiles,
  ReformerOptions,
  TrainOptions,
  TrainRun,
  TrainStep,
} from "../../src/types.js";
import type { EngineFactory, EngineOptions } from "../../src/worker/protocol.js";
import { NoTasks } from "../support/no-tasks.js";

/**
 * What the fake has done so far, told by `describe().parameters` (steps taken) and `describe().step` (runs that ended,
 * by themselves or because they were stopped).
 *
 * `train(text)` follows the text: "count" yields steps 1, 2, …; "diverge" throws after step 3; "hang" waits for its
 * signal; "deaf" waits for ever; "block" keeps the thread busy for ever; "close" ends the worker.
 */
class FakeModel extends NoTasks implements Model {
  #taken = 0;
  #ended = 0;

  constructor(readonly options: EngineOptions) {
    super();
  }

  async describe(): Promise<ModelDescription> {
    return { parameters: this.#taken, step: this.#ended } as ModelDescription;
  }

  train(text: string, options: TrainOptions): TrainRun {
    if (!(options.steps > 0))
      throw new ConfigError(`steps is ${options.steps}, but must be 1 or more.`, { field: "steps" });
    let stopped = false;
    const steps = this.#steps(text, options, () => stopped);
    return {
      [Symbol.asyncIterator]: () => steps,
      stop: () => {
        stopped = true;
      },
      finish: async () => {
        let step = 0;
        for await (const last of steps) step = last.step;
        return { step, loss: 0, seconds: 0 };
      },
    };
  }

  async *#steps(
    text: string,
    { steps, signal }: TrainOptions,
    stopped: () => boolean,
  ): AsyncGenerator<TrainStep, undefined> {
    try {
      for (let step = 1; step <= steps && !stopped(); step++) {
        await wait(text, signal);
        if (text === "diverge" && step > 3)
          throw new DivergedError("The loss is NaN.", { step, layer: "layer1" });
        this.#taken++;
        this.options.onProgress?.({ phase: "compile", loaded: 3 + step, total: 3 + steps });
        yield { step, steps, loss: 1 / step } as TrainStep;
      }
    } finally {
      this.#ended++;
    }
  }

  generate(given: string | readonly string[]): Generation {
    const prompts = [given].flat();
    const pieces = async function* (): AsyncGenerator<GeneratedPiece, undefined> {
      for (const [prompt, all] of prompts.entries()) {
        for (const [token, text] of [...all].entries()) yield { text, token, prompt };
      }
    };
    return {
      [Symbol.asyncIterator]: () => pieces(),
      text: async () => prompts[0] ?? "",
      texts: async () => prompts,
    };
  }

  async evaluate(text: string, options: { readonly signal?: AbortSignal | undefined } = {}) {
    await wait(text, options.signal);
    if (text === "type error") throw new TypeError("not a function");
    return { loss: this.options.seed ?? 0, bitsPerCharacter: 0, tokens: text.length };
  }

  async files(): Promise<ModelFiles> {
    return { "config.json": new Uint8Array([123, 125]), "model.safetensors": new Uint8Array(1000).fill(7) };
  }

  async dispose(): Promise<void> {}
}

async function wait(text: string, signal: AbortSignal | undefined): Promise<void> {
  signal?.throwIfAborted();
  if (text === "hang")
    await new Promise((_, reject) => signal?.addEventListener("abort", () => reject(signal.reason)));
  if (text === "close") globalThis.close();
  if (text === "deaf" || text === "close") await new Promise(() => {});
  if (text === "throw")
    setTimeout(() => {
      throw new Error("a bug");
    });
  while (text === "block");
}

export const fakeEngines: EngineFactory = {
  async create({ vocabSize }: ReformerOptions, options) {
    if (vocabSize === 404) throw new ConfigError("vocabSize is 404.", { field: "vocabSize", given: 404 });
    if (vocabSize === 408) await wait("hang", options.signal);
    for (let loaded = 0; loaded <= 3; loaded++) options.onProgress?.({ phase: "compile", loaded, total: 3 });
    return new FakeModel(options);
  },
  async load(location, options) {
    const files: ModelFiles = "files" in location ? location.files : {};
    return new FakeModel({ ...options, seed: files["model.safetensors"]?.length });
  },
};
