/** A model that learns nothing: its numbers are formulas of the step. For tests of the page's views only. */
import { newReport } from "../../../demo/gpu-test/client.js";
import { afterEvent, type SpeedReport, type TestEvent, type TestGpu } from "../../../demo/gpu-test/report.js";
import type { Runtime } from "../../../demo/runtime.js";
import { resolveConfig } from "../../../src/config/config.js";
import { DivergedError } from "../../../src/errors.js";
import type {
  GeneratedPiece,
  GenerateOptions,
  MemoryUse,
  Model,
  PlanOptions,
  ReformerOptions,
  TrainOptions,
  TrainStep,
} from "../../../src/index.js";
import { NoTasks } from "../../support/no-tasks.js";

/** Milliseconds of a step and of a written token. */
const [STEP, TOKEN] = [20, 10];
/** Steps that have begun when one is told. */
const BEHIND = 2;
/** With this seed the GPU is lost at step 8, and the run goes on from step 5. */
const LOSES = 13;
/** A learning rate at or above this diverges at step 5. */
const DIVERGES = 1e-2;

const sleep = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));
/** 0 to 1, the same for the same number. */
const noise = (n: number) => (Math.sin(n * 12.9898) * 43758.5453) % 1;

function planMemory(config: ReformerOptions, { length, batchSize = 1 }: PlanOptions): MemoryUse {
  const { hiddenSize, layers, vocabSize } = resolveConfig(config);
  const weights = 4 * (layers.length * 11 * hiddenSize ** 2 + 3 * vocabSize * hiddenSize);
  const streams = 16 * length * batchSize * hiddenSize;
  const parts = {
    weights,
    gradients: weights,
    optimizer: 2 * weights,
    streams,
    workspace: 2 * streams,
    state: 4096,
    "dispatch parameters": 51200,
  };
  const total = Object.values(parts).reduce((a, b) => a + b, 0);
  return { ...parts, total, largestBinding: Math.max(weights, streams) };
}

class FakeModel extends NoTasks implements Model {
  #step = 0;
  #memory: MemoryUse;
  readonly #config: ReformerOptions;

  constructor(
    config: ReformerOptions,
    readonly seed = 0,
  ) {
    super();
    this.#config = config;
    this.#memory = planMemory(config, { length: 256 });
  }

  async describe() {
    return {
      config: resolveConfig(this.#config),
      parameters: this.#memory.weights / 4,
      step: this.#step,
      adapter: {
        vendor: "fake",
        architecture: "",
        description: "",
        features: [],
        maxBufferSize: 2 ** 28,
        maxStorageBufferBindingSize: 2 ** 27,
        fallback: true,
      },
      memory: this.#memory,
    };
  }

  train(text: string, options: TrainOptions) {
    this.#memory = planMemory(this.#config, { length: options.length ?? 512, batchSize: options.batchSize });
    let stopped = false;
    const steps = this.#steps(text, options, () => stopped);
    return {
      [Symbol.asyncIterator]: () => steps,
      stop: () => {
        stopped = true;
      },
      finish: () => Promise.reject(new Error("The page never calls finish().")),
    };
  }

  /** Told some steps late, as by a GPU: leaving the loop loses those that had begun. */
  async *#steps(text: string, options: TrainOptions, stopped: () => boolean): AsyncGenerator<TrainStep> {
    const begun: TrainStep[] = [];
    try {
      for await (const step of this.#all(text, options, stopped)) {
        begun.push(step);
        const keep = step.saved || step.heldOut || step.sample ? 0 : BEHIND;
        while (begun.length > keep) yield begun.shift() as TrainStep;
      }
      yield* begun;
    } finally {
      sessionStorage.setItem("fake-step", String(this.#step));
    }
  }

  async *#all(text: string, options: TrainOptions, stopped: () => boolean): AsyncGenerator<TrainStep> {
    const saved = Number(sessionStorage.getItem("fake-step") ?? 0);
    if (options.resume === false) this.#step = 0;
    else if (this.#step === 0) this.#step = saved;
    let lost = false;
    while (this.#step < options.steps && !stopped()) {
      await sleep(STEP);
      options.signal?.throwIfAborted();
      const recovers = this.seed === LOSES && this.#step === 7 && !lost;
      if (recovers) [this.#step, lost] = [5, true];
      const step = ++this.#step;
      if ((options.learningRate ?? 0) >= DIVERGES && step === 5) {
        throw new DivergedError("step 5: the gradients of layer 1 are not finite.", { step });
      }
      const bits = 2.1 + 5.9 * Math.exp(-step / 60) + 0.25 * noise(step);
      const every = (n: number | undefined) => n !== undefined && n > 0 && step % n === 0;
      const isSaved = every(options.checkpointEvery);
      if (isSaved) sessionStorage.setItem("fake-step", String(step));
      const heldOut = 2.3 + 5.6 * Math.exp(-step / 55);
      yield {
        step,
        steps: options.steps,
        loss: bits * Math.LN2,
        bitsPerCharacter: bits,
        gradientNorm: 1 + Math.abs(noise(step)),
        learningRate: (options.learningRate ?? 1e-3) * Math.min(1, step / (0.05 * options.steps)),
        tokensPerSecond: ((options.length ?? 512) * (options.batchSize ?? 1) * 1000) / STEP,
        secondsLeft: ((options.steps - step) * STEP) / 1000,
        ...(every(options.evaluateEvery) && {
          heldOut: { loss: heldOut * Math.LN2, bitsPerCharacter: heldOut },
        }),
        ...(every(options.sampleEvery) && { sample: written(text, step, options.sampleTokens ?? 80) }),
        ...(isSaved && { saved: true }),
        ...(recovers && { recoveredFrom: 5 }),
      };
    }
  }

  async evaluate() {
    return { loss: 1, bitsPerCharacter: 1.44, tokens: 1 };
  }

  generate(_prompts: string | readonly string[], options: GenerateOptions = {}) {
    const pieces = async function* (): AsyncGenerator<GeneratedPiece> {
      const text = `Shall I go a-whaling, then? asked the sea; and the ship answered slowly. `.repeat(8);
      for (const [i, character] of [...text].slice(0, options.maxNewTokens ?? 100).entries()) {
        await sleep(TOKEN);
        options.signal?.throwIfAborted();
        yield { text: character, token: i, prompt: 0 };
      }
    };
    const generation = pieces();
    return {
      [Symbol.asyncIterator]: () => generation,
      text: () => Promise.reject(new Error("The page never calls text().")),
      texts: () => Promise.reject(new Error("The page never calls texts().")),
    };
  }

  async files() {
    const encode = (text: string) => new TextEncoder().encode(text);
    return {
      "config.json": encode(JSON.stringify(this.#config)),
      "model.safetensors": new Uint8Array(1000).fill(7),
      "tokenizer.json": encode('{"type":"bytes"}'),
    };
  }

  async dispose() {}
}

/** The text with fewer wrong letters the later the step. */
function written(text: string, step: number, characters: number): string {
  const from = (step * 7919) % Math.max(1, text.length - characters);
  return [...text.slice(from, from + characters)]
    .map((c, i) => (Math.abs(noise(i * 31 + step)) < 30 / (step + 20) ? (text[(i * 977) % 999] ?? " ") : c))
    .join("");
}

/** A quick test in which the third check fails; a full one stays at its second check until it is cancelled. */
const testGpu: TestGpu = async (extent, { signal, onReport }) => {
  const adapter = {
    ...{ vendor: "fake", architecture: "", device: "", description: "", software: true },
    features: ["shader-f16", "subgroups"],
    languageFeatures: [],
    limits: { maxBufferSize: 2 ** 28, maxStorageBufferBindingSize: 2 ** 27 },
  };
  const check = (part: "kernels" | "cases", i: number): TestEvent[] => {
    const name = part === "kernels" ? "position-embedding-backward" : "v1_paper_h2_L64";
    const figures = {
      passed: i !== 3,
      tensor: "out",
      error: i === 1 ? 0 : i * 1e-6,
      bound: i === 1 ? 0 : 2.5e-6,
    };
    return [
      { type: "began", part, name },
      { type: "checked", check: { part, name, what: `the fast table, case ${i}`, ...figures } },
    ];
  };
  const speeds: SpeedReport[] = [
    { name: "matmul", value: 1234.5, unit: "GFLOP/s", sizes: { size: 1024 }, samples: [20, 21, 22], runs: 3 },
    {
      ...{ name: "attention", value: 1_234_567, unit: "tokens/s", samples: [20, 21, 22], runs: 3 },
      sizes: { length: 16_384, numHashes: 2 },
    },
    {
      ...{ name: "training", value: 45_678, unit: "tokens/s", samples: [20, 21, 22], runs: 3 },
      sizes: { layers: 4, hiddenSize: 256, length: 2048 },
    },
  ];
  const events: TestEvent[] = [
    { type: "opened", adapter, planned: { kernels: 4, cases: 1, speed: 3 } },
    ...[1, 2, 3, 4].flatMap((i) => check("kernels", i)),
    ...check("cases", 2),
    ...speeds.map((speed): TestEvent => ({ type: "measured", speed })),
    { type: "finished" },
  ];
  let report = newReport(extent);
  for (const event of events) {
    await sleep(STEP);
    const waits = extent === "full" && report.checks.length === 1;
    if (waits) await new Promise((resolve) => signal.addEventListener("abort", resolve));
    report = signal.aborted ? { ...report, state: "cancelled", current: null } : afterEvent(report, event);
    onReport(report);
    if (report.state !== "running") break;
  }
  return report;
};

export function fakeRuntime(): Runtime {
  return {
    async create(config, { signal, onProgress, seed }) {
      for (let loaded = 1; loaded <= 8; loaded++) {
        await sleep(30);
        signal?.throwIfAborted();
        onProgress?.({ phase: "compile", loaded, total: 8 });
      }
      return new FakeModel(config, seed);
    },
    async load(from) {
      if (typeof from === "string") throw new Error(`${from}: this model is opened from files alone`);
      return new FakeModel(JSON.parse(new TextDecoder().decode(from["config.json"])) as ReformerOptions);
    },
    planMemory: async (config, options) => planMemory(config, options),
    longestLength: async ({ maxLength = 4096 }) => maxLength,
    testGpu,
  };
}
