// A small model with arbitrary weights, and its forward pass over whole sequences without caches.
import {
  fillToken,
  paddedLength,
  type ReformerConfig,
  type ReformerOptions,
  resolveConfig,
} from "../../src/config/config.js";
import { Generator, type GeneratorOptions } from "../../src/generate/generator.js";
import {
  type GenerationShape,
  inferenceContext,
  planGeneration,
  stepTensors,
} from "../../src/generate/recordings.js";
import { Gpu } from "../../src/gpu/gpu.js";
import { finalStates, logitsOf } from "../../src/layers/head.js";
import { type ParameterArena, parameterArena, streamPair } from "../../src/model/memory.js";
import { initialValues, parameters } from "../../src/model/parameters.js";
import { forward } from "../../src/model/stack.js";
import { type DeviceProfile, type Planner, plan } from "../../src/scheduler/plan.js";
import { Arena } from "../../src/scheduler/recording.js";
import { PreparedPlan } from "../../src/scheduler/run.js";
import { getDevice } from "../support/device.js";
import { profileOf } from "../support/run-kernel.js";

/** All models of a file share one, and with it the compiled pipelines. */
let shared: Gpu | undefined;

/** Weights of this size make logits of several units: far from constant, and far from ties. */
const OPTIONS: ReformerOptions = {
  vocabSize: 40,
  hiddenSize: 16,
  numHeads: 2,
  headSize: 8,
  feedForwardSize: 24,
  maxLength: 96,
  lshChunkLength: 8,
  localChunkLength: 8,
  numHashes: 2,
  initializerRange: 0.4,
};

export class TestModel {
  readonly #generators: Generator[] = [];

  private constructor(
    readonly gpu: Gpu,
    readonly config: ReformerConfig,
    readonly weights: ParameterArena,
    readonly base: PreparedPlan,
    readonly profile: DeviceProfile,
  ) {}

  static async create(options: ReformerOptions): Promise<TestModel> {
    const device = await getDevice();
    shared ??= new Gpu(device);
    const gpu = shared;
    const config = resolveConfig({ ...OPTIONS, ...options });
    const weights = parameterArena(config, "weights", "weights");
    const profile = profileOf(device);
    const base = await PreparedPlan.create(gpu, plan([], profile, { arenas: [weights.arena] }));
    parameters(config).forEach((p, i) => void base.write(weights.get(p.name), initialValues(p, i, 5)));
    return new TestModel(gpu, config, weights, base, profile);
  }

  /** A generator that lives no longer than the model. */
  async generator({
    batch = 1,
    capacity,
    streams = "f32",
    ...options
  }: Partial<GenerationShape> &
    Pick<GenerationShape, "capacity"> &
    Omit<GeneratorOptions, "planner">): Promise<Generator> {
    const { gpu, config, weights, base, profile } = this;
    const planned = planGeneration(config, { batch, capacity, streams }, weights, profile);
    const planner: Planner = { profile, plan: async (make) => make(profile) };
    const generator = await Generator.create(gpu, planned, base, { ...options, planner });
    this.#generators.push(generator);
    return generator;
  }

  /** Logits of every token of one sequence, from one forward pass over all of it: [tokens][vocabSize]. */
  async forward(
    tokens: readonly number[],
    options: { readonly config?: Partial<ReformerConfig>; readonly streams?: "int32" | "f32" } = {},
  ): Promise<Float32Array[]> {
    const { gpu, weights, base, profile } = this;
    const config = { ...this.config, ...options.config };
    const length = paddedLength(config, tokens.length);
    const inputs = new Arena("prompt", "state");
    const ids = inputs.tensor("ids", [length], "u32");
    const keyMask = inputs.tensor("mask", [1, length], "u32");
    const logits = new Arena("all logits", "state").tensor("logits", [length, config.vocabSize]);
    const step = stepTensors(config, 1);
    const recorded = inferenceContext(
      config,
      { batch: 1, length, streams: options.streams ?? "f32" },
      weights,
      step,
      profile,
      { batch: 1, capacity: length, layers: [] },
    );
    const context = { ...recorded, keyMask: length > tokens.length ? keyMask : undefined };
    const streams = streamPair(config, ["x1", "x2"], length, profile.maxStorageBufferBindingSize, "i32");
    forward(context, ids, streams);
    logitsOf(context, finalStates(context, streams, 0, length), length, logits);
    const prepared = await PreparedPlan.create(gpu, plan([context.recording], profile), { shared: base });
    try {
      prepared.write(
        ids,
        Uint32Array.from({ length }, (_, i) => tokens[i] ?? fillToken(config)),
      );
      if (length > tokens.length) {
        prepared.write(keyMask, new Uint32Array(length).fill(1, 0, tokens.length));
      }
      await prepared.run();
      const all = (await prepared.read(logits)) as Float32Array;
      return tokens.map((_, t) => all.slice(t * config.vocabSize, (t + 1) * config.vocabSize));
    } finally {
      prepared.dispose();
    }
  }

  dispose(): void {
    for (const generator of this.#generators) generator.dispose();
    this.base.dispose();
  }
}

/** Logits that the generator's last step chose from, of one sequence. */
export async function logitsOfRow(
  { prepared, plan: { tensors, config } }: Generator,
  row = 0,
): Promise<Float32Array> {
  const all = (await prepared.read(tensors.logits)) as Float32Array;
  return all.slice(row * config.vocabSize, (row + 1) * config.vocabSize);
}
