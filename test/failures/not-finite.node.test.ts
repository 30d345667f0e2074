// NaN and infinity wherever they can come from: in files of weights, in what a caller gives, in weights on the device, and
// in gradients. A run that meets one stops with an error or skips the step; what was good before is what is kept.
import { describe, expect, test } from "vitest";
import { resolveConfig } from "../../src/config/config.js";
import { openDevice } from "../../src/engine/device.js";
import { writeModelFiles, writeWeights } from "../../src/engine/files.js";
import { resolveTrainOptions } from "../../src/engine/options.js";
import type { TrainedModel } from "../../src/engine/trained-model.js";
import { TrainingRun } from "../../src/engine/training.js";
import { CheckpointError, ConfigError, DivergedError } from "../../src/errors.js";
import { type CheckpointStore, checkpointStore } from "../../src/io/checkpoint-store.js";
import { memoryDirectory } from "../../src/io/memory-store.js";
import { readWeights } from "../../src/io/model-files.js";
import { makeTensor, readSafetensors, tensorFloats } from "../../src/io/safetensors.js";
import { matchWeights } from "../../src/io/weight-names.js";
import { initialValues, parameters } from "../../src/model/parameters.js";
import { encodeExamples } from "../../src/tasks/examples.js";
import { byteTokenizer } from "../../src/text/byte-tokenizer.js";
import type { TrainOptions, TrainStep } from "../../src/types.js";
import { SMALL, TEXT } from "../api/small-model.js";
import { getDevice } from "../support/device.js";

const CONFIG = resolveConfig({ ...SMALL, vocabSize: 256 });
const PARAMETERS = parameters(CONFIG);
const VALUES = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
/** One tensor of every kind, and a place of it that every batch of TEXT reads. */
const KINDS: readonly [kind: string, tensor: string, place: number][] = [
  ["token embedding", "reformer.embeddings.word_embeddings.weight", "e".charCodeAt(0) * CONFIG.hiddenSize],
  ["position embedding", "reformer.embeddings.position_embeddings.weights.0", 0],
  ["norm", "reformer.encoder.layers.0.attention.layer_norm.weight", 3],
  ["query projection", "reformer.encoder.layers.0.attention.self_attention.query.weight", 5],
  ["shared projection", "reformer.encoder.layers.1.attention.self_attention.query_key.weight", 5],
  ["value projection", "reformer.encoder.layers.1.attention.self_attention.value.weight", 5],
  ["output projection", "reformer.encoder.layers.0.attention.output.dense.weight", 7],
  ["feed-forward", "reformer.encoder.layers.1.feed_forward.dense.dense.weight", 11],
  ["feed-forward bias", "reformer.encoder.layers.1.feed_forward.output.dense.bias", 2],
  ["last norm", "reformer.encoder.layer_norm.bias", 1],
  ["head", "lm_head.decoder.weight", 9],
  ["head's bias", "lm_head.bias", 4],
];

describe("in files", () => {
  const tensors = new Map(
    PARAMETERS.map((one, i) => [one.name, makeTensor(one.shape, initialValues(one, i, 1))] as const),
  );
  const target = { parameters: PARAMETERS, write: () => {}, flush: async () => {} };
  const load = async (changed: ReadonlyMap<string, ReturnType<typeof makeTensor>>, dtype?: "float16") => {
    const stored = await readWeights(writeModelFiles(CONFIG, byteTokenizer(), changed, { dtype }));
    const matched = matchWeights(stored, new Map(PARAMETERS.map((one) => [one.name, one])));
    await writeWeights(matched, target, { seed: 1 });
  };

  test.each(PARAMETERS.map(({ name }) => name))("%s is refused by its name and place", async (name) => {
    const { shape } = PARAMETERS.find((one) => one.name === name) as (typeof PARAMETERS)[number];
    for (const value of VALUES) {
      const values = tensorFloats(tensors.get(name) as ReturnType<typeof makeTensor>).slice();
      const place = values.length >> 1;
      values[place] = value;
      const error = await load(new Map([...tensors, [name, makeTensor(shape, values)]])).catch((e) => e);
      expect(error).toBeInstanceOf(CheckpointError);
      expect(error.message).toContain(`${name} is ${value} at place ${place} of ${values.length}`);
    }
  });

  test("the weights without one are taken, in halves too", async () => {
    await expect(load(tensors)).resolves.toBeUndefined();
    await expect(load(tensors, "float16")).resolves.toBeUndefined();
  });
});

describe("in what a caller gives", () => {
  const numbers = ["learningRate", "weightDecay", "clipNorm", "labelSmoothing", "heldOut"] as const;
  test.each(numbers.flatMap((name) => VALUES.map((value) => [name, value] as const)))(
    "%s of %d is refused by its name",
    (name, value) => {
      const options = { steps: 1, [name]: value };
      expect(() => resolveTrainOptions(CONFIG, options)).toThrow(ConfigError);
      expect(() => resolveTrainOptions(CONFIG, options)).toThrow(name);
    },
  );

  test.each(VALUES)("a target of regression that is %d is refused by its example", async (label) => {
    const config = resolveConfig({ head: "classification", numLabels: 1 });
    const examples = [
      { text: "a", label: 0 },
      { text: "b", label },
    ];
    const encoding = encodeExamples({ config, tokenizer: byteTokenizer() }, examples, { length: 4 });
    await expect(encoding).rejects.toThrow("examples[1]");
  });
});

const TRAINING = {
  steps: 20,
  length: 64,
  learningRate: 1e-3,
  evaluateEvery: 0,
  checkpoint: "run",
  checkpointEvery: 2,
} as const satisfies TrainOptions;

/** A model on the device of these tests, its store, and a way into its weights. */
async function makeModel() {
  const gpuDevice = await getDevice();
  const device = await openDevice(CONFIG, gpuDevice, { selfTest: false });
  for (const [i, one] of PARAMETERS.entries()) {
    device.base.write(device.weights.get(one.name), initialValues(one, i, 1));
  }
  const directory = memoryDirectory();
  const model: TrainedModel = {
    config: CONFIG,
    tokenizer: byteTokenizer(),
    seed: 1,
    device,
    reopen: () => Promise.reject(new Error("no device is lost here")),
    openStore: async () => checkpointStore(directory),
    openChoices: async () => undefined,
    sample: async () => "",
    onStep: () => {},
    onProgress: undefined,
  };
  return {
    model,
    store: checkpointStore(directory),
    poison: (tensor: string, value: number, place: number) =>
      device.base.write(device.weights.get(tensor), Float32Array.of(value), place),
    weights: async () => {
      const all = new Map<string, Float32Array>();
      for (const { name } of PARAMETERS) {
        all.set(name, Float32Array.from(await device.base.read(device.weights.get(name))));
      }
      return all;
    },
    [Symbol.dispose]: () => device.gpu.dispose(),
  };
}

/** Nobody ends it early. */
const WHOLE = { signal: undefined, stopped: () => false };

/** Trains until the end or an error; returns both. */
async function attempt(model: TrainedModel, options: TrainOptions, onStep = (_: TrainStep) => {}) {
  const steps: TrainStep[] = [];
  const settings = resolveTrainOptions(CONFIG, options);
  try {
    for await (const step of TrainingRun.steps(model, TEXT, settings, WHOLE)) {
      steps.push(step);
      onStep(step);
    }
  } catch (error) {
    return { steps, error };
  }
  return { steps, error: undefined };
}

const firstBad = (tensors: ReadonlyMap<string, Float32Array>) =>
  [...tensors].find(([, values]) => !values.every(Number.isFinite))?.[0];

/** The name of a tensor of both kept checkpoints that is not finite everywhere. */
async function firstBadSaved(store: CheckpointStore): Promise<string | undefined> {
  for (const which of ["current", "previous"] as const) {
    const files = await store.load(which);
    for (const file of ["model.safetensors", "optimizer.safetensors"]) {
      const bytes = files?.get(file);
      if (!bytes) continue;
      const floats = [...readSafetensors(bytes as Uint8Array<ArrayBuffer>, file).tensors].map(
        ([name, tensor]) => [name, tensorFloats(tensor)] as const,
      );
      const bad = firstBad(new Map(floats));
      if (bad) return `${which} ${file}: ${bad}`;
    }
  }
  return undefined;
}

describe.each(["f32", "mixed"] as const)("on the device, %s", (precision) => {
  const training = { ...TRAINING, precision };

  test.each(KINDS)(
    "in the %s: the run stops, and stands where its last checkpoint does",
    async (_k, tensor, at) => {
      const values = precision === "f32" ? VALUES : VALUES.slice(0, 1);
      for (const value of values) {
        using made = await makeModel();
        const good = await attempt(made.model, { ...training, steps: 4 });
        expect(good.error).toBeUndefined();
        const poisoned = await attempt(made.model, training, ({ step }) => {
          if (step === 5) made.poison(tensor, value, at);
        });
        expect(poisoned.error, `${tensor} ${value}`).toBeInstanceOf(DivergedError);
        expect(poisoned.steps.length).toBeLessThanOrEqual(20);
        expect(firstBad(await made.weights())).toBeUndefined();
        expect(await firstBadSaved(made.store)).toBeUndefined();
      }
    },
  );

  test("in gradients, by a learning rate of 1,000", async () => {
    for (const clipNorm of [0, 1]) {
      using made = await makeModel();
      const wild = {
        ...training,
        learningRate: 1e3,
        schedule: "constant",
        warmupSteps: 0,
        clipNorm,
      } as const;
      const { steps, error } = await attempt(made.model, wild);
      if (error !== undefined) expect(error).toBeInstanceOf(DivergedError);
      else expect(steps.some(({ notice }) => notice?.includes("was skipped"))).toBe(true);
      expect(firstBad(await made.weights())).toBeUndefined();
      expect(await firstBadSaved(made.store)).toBeUndefined();
    }
  });
});
