// Training in mixed precision: its gradients, its losses, the scale of its loss, and that it resumes to the bit.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ReformerOptions, resolveConfig } from "../../src/config/config.js";
import { planWeights } from "../../src/engine/device.js";
import { Engine } from "../../src/engine/engine.js";
import { resolveTrainOptions } from "../../src/engine/options.js";
import { DivergedError } from "../../src/errors.js";
import { Gpu } from "../../src/gpu/gpu.js";
import {
  type CheckpointFiles,
  type CheckpointStore,
  checkpointStore,
} from "../../src/io/checkpoint-store.js";
import { memoryDirectory } from "../../src/io/memory-store.js";
import { readSafetensors, type Tensor, tensorFloats } from "../../src/io/safetensors.js";
import { STATE } from "../../src/kernels/global-norm.js";
import { packControl } from "../../src/model/control.js";
import { parameterArena } from "../../src/model/memory.js";
import { initialValues, parameters } from "../../src/model/parameters.js";
import { profileOf, withMatrices } from "../../src/scheduler/profile.js";
import { Arena } from "../../src/scheduler/recording.js";
import { PreparedPlan } from "../../src/scheduler/run.js";
import { writeBatch } from "../../src/train/evaluation.js";
import { planTraining, RUN } from "../../src/train/recordings.js";
import { type FinishedStep, Trainer } from "../../src/train/trainer.js";
import type { TrainOptions, TrainStep } from "../../src/types.js";
import { SMALL, TEXT } from "../api/small-model.js";
import { getDevice } from "../support/device.js";

const OPTIONS: ReformerOptions = { ...SMALL, vocabSize: 64, numHashes: 2, numBuckets: 4, axialInitStd: 0.5 };
const LENGTH = 64;
const LSH_LAYER = 1;

/** A device whose products are rounded by packing, and others that have halves, or matrices of them, where the adapter does. */
const devices: { readonly spelling: string; readonly device: GPUDevice }[] = [
  { spelling: "packed halves", device: await getDevice({ requiredFeatures: [] }) },
];
const shared = await getDevice();
if (shared.features.has("shader-f16")) {
  devices.push({ spelling: "native f16", device: await getDevice({ requiredFeatures: ["shader-f16"] }) });
}
if ((await withMatrices(profileOf(shared))).matrixSides?.length) {
  devices.push({ spelling: "subgroup matrices", device: shared });
}

beforeAll(() => {
  const { vendor, architecture, description } = shared.adapterInfo;
  const spellings = devices.map(({ spelling }) => spelling).join(" and ");
  console.info(`mixed precision on ${vendor} ${architecture} ${description}: ${spellings}`);
});
const gpus: Gpu[] = [];
afterAll(() => {
  for (const gpu of gpus) gpu.dispose();
  for (const { device } of devices) if (device !== shared) device.destroy();
});

async function makeTrainer(device: GPUDevice, options: Partial<TrainOptions>) {
  const config = resolveConfig(OPTIONS);
  const gpu = new Gpu(device);
  gpus.push(gpu);
  const profile = await withMatrices(profileOf(device));
  const weights = parameterArena(config, "weights", "weights");
  const base = await PreparedPlan.create(gpu, planWeights(config, weights, profile));
  for (const [i, p] of parameters(config).entries()) base.write(weights.get(p.name), initialValues(p, i, 7));
  const settings = resolveTrainOptions(config, { steps: 20, length: LENGTH, ...options });
  // Fixed buckets: a rounding that moved a token to another bucket would change the gradient at a jump.
  const shape = [1, 2, 2, LENGTH];
  const buckets = new Arena("buckets", "state").tensor("buckets", shape, "u32");
  const given = { buckets: new Map([[LSH_LAYER, buckets]]) };
  const plan = planTraining(config, settings.shape, weights, profile, given);
  const { schedule } = settings;
  const trainer = await Trainer.create(gpu, config, plan, base, { seed: 5, accumulate: 1, schedule });
  const ids = Uint32Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => (i * 7 + (i >> 3)) % 4);
  trainer.prepared.write(buckets, ids);
  return { trainer, plan };
}

function batch() {
  const tokens = Uint32Array.from({ length: LENGTH + 1 }, (_, i) => (i * i * 7 + (i >> 2)) % 64);
  return { inputs: tokens.subarray(0, LENGTH), targets: tokens.subarray(1), batchSize: 1, length: LENGTH };
}

/** Gradients of one batch by parameter, the scale of the loss undone. */
async function gradientsOf(device: GPUDevice, precision: "f32" | "mixed") {
  const { trainer, plan } = await makeTrainer(device, { precision });
  const { prepared } = trainer;
  prepared.write(plan.windows.inputs.control, packControl({ seed: 5, draw: 0, lossScale: 1 / LENGTH }));
  writeBatch(prepared, plan.windows, batch());
  await prepared.run(RUN.clear);
  await prepared.run(RUN.batch);
  const unscale = 2 ** -((await prepared.read(plan.optimizer.state))[STATE.lossExponent] as number);
  const gradients = new Map<string, Float64Array>();
  for (const [name, tensor] of plan.gradients.tensors)
    gradients.set(
      name,
      Float64Array.from(await prepared.read(tensor), (g) => g * unscale),
    );
  return gradients;
}

const dot = (a: Float64Array, b: Float64Array) => a.reduce((sum, x, i) => sum + x * (b[i] as number), 0);
const norm = (a: Float64Array) => Math.sqrt(dot(a, a));
/** |actual − expected| / |expected|, and the cosine of the angle between them. */
const compare = (actual: Float64Array, expected: Float64Array) => ({
  error: norm(actual.map((x, i) => x - (expected[i] as number))) / norm(expected),
  cosine: dot(actual, expected) / norm(actual) / norm(expected),
});
const joined = (gradients: ReadonlyMap<string, Float64Array>) =>
  Float64Array.from([...gradients.values()].flatMap((values) => [...values]));

describe.each(devices)("mixed precision, $spelling", ({ spelling, device }) => {
  test("gradients of a local and an LSH layer are the f32 ones up to the rounding of their products", async () => {
    const expected = await gradientsOf(device, "f32");
    const actual = await gradientsOf(device, "mixed");
    // To first order, without amplification: a path from the tokens to the loss and back passes 6 products per layer (of
    // them 2 of attention, whose queries, keys and values are stored as halves) and the head's three times at most
    // (forward, to the input, to the weight), each off by 2·2^-11 of its terms.
    const bound = 3 * (2 * 6 + 1) * 2 * 2 ** -11;
    const { error, cosine } = compare(joined(actual), joined(expected));
    const each = [...expected].map(([name, gradient]) => ({
      name,
      ...compare(actual.get(name) as Float64Array, gradient),
    }));
    const worst = each.reduce((a, b) => (b.error > a.error ? b : a));
    console.info(
      `${spelling}: gradients off by ${error.toExponential(2)} of their norm (bound ${bound.toExponential(2)}), 1 - cosine ${(1 - cosine).toExponential(2)}; worst ${worst.name}: ${worst.error.toExponential(2)}`,
    );
    expect(error).toBeGreaterThan(2 ** -16); // it was rounded
    expect(error).toBeLessThan(bound);
    expect(cosine).toBeGreaterThan(1 - bound ** 2);
    for (const { name, error } of each) expect(error, name).toBeLessThan(bound);
  });

  test("a step whose gradients overflow changes no weight, is told, and halves the scale of the loss", async () => {
    const { trainer, plan } = await makeTrainer(device, { precision: "mixed", warmupSteps: 0 });
    const { prepared } = trainer;
    const name = "lm_head.decoder.weight";
    const weights = () => prepared.read(plan.weights.get(name));
    const before = await weights();
    // 2^24 / 64 targets: the gradient of a target's logit is about 2^18, and halves end at 65,504.
    prepared.write(plan.optimizer.state, Float32Array.of(24), STATE.lossExponent);
    const steps = async (to: number) => {
      const finished: FinishedStep[] = [];
      for await (const step of trainer.run({ batch }, to)) finished.push(step);
      return finished;
    };
    const [first] = await steps(1);
    expect(first?.notice).toBe(
      "Step 1 was skipped, since a gradient left the range of half precision: the loss is now scaled by 8388608.",
    );
    expect(Number.isFinite(first?.loss)).toBe(true);
    expect(await weights()).toEqual(before);
    const later = await steps(8);
    const skipped = later.filter(({ notice }) => notice !== undefined);
    expect(skipped.length).toBeLessThan(7);
    expect(later.at(-1)?.notice).toBeUndefined();
    expect(await weights()).not.toEqual(before);
    const state = await prepared.read(plan.optimizer.state);
    expect(state[STATE.lossExponent]).toBe(24 - 1 - skipped.length);
    // The last loss is lower: what was applied were gradients of the loss, not of its multiple.
    expect(later.at(-1)?.loss).toBeLessThan(first?.loss as number);
  });

  test("8 steps in a row that overflow at any scale are a divergence", async () => {
    const { trainer, plan } = await makeTrainer(device, { precision: "mixed" });
    trainer.prepared.write(plan.weights.get("lm_head.bias"), Float32Array.of(Number.NaN), 3);
    const skipped: number[] = [];
    const run = async () => {
      for await (const { step } of trainer.run({ batch }, 20)) skipped.push(step);
    };
    const error = await run().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(DivergedError);
    expect((error as DivergedError).details.step).toBe(8);
    expect(skipped).toEqual([1, 2, 3, 4, 5, 6, 7]);
  });
});

const TRAINING: TrainOptions = { steps: 10, length: 64, learningRate: 3e-3, evaluateEvery: 0 };

/** Trains to the last step, or to `stop`; `store` keeps the checkpoints. */
async function train(
  options: TrainOptions,
  given: { device?: GPUDevice; seed?: number; store?: CheckpointStore; stop?: number } = {},
) {
  const { device = shared, seed = 1, store, stop = options.steps } = given;
  const openStore = store && (async () => store);
  const engine = await Engine.create(SMALL, { device, seed, openStore });
  try {
    const steps: TrainStep[] = [];
    for await (const step of engine.train(TEXT, options)) {
      steps.push(step);
      if (step.step === stop) break;
    }
    return { steps, files: await engine.files() };
  } finally {
    await engine.dispose();
  }
}

describe("a run in mixed precision", () => {
  test("ends within the spread of f32 runs of three seeds", async () => {
    const end = (steps: readonly TrainStep[]) => steps.slice(-5).reduce((sum, { loss }) => sum + loss / 5, 0);
    const seeds = [1, 2, 3];
    const runs: { readonly seed: number; readonly loss: number }[] = [];
    for (const seed of seeds) runs.push({ seed, loss: end((await train(TRAINING, { seed })).steps) });
    const sorted = [...runs].sort((a, b) => a.loss - b.loss);
    const [lowest, median, highest] = sorted.map(({ loss }) => loss) as [number, number, number];
    const { seed } = sorted[1] as { seed: number };
    const shown = runs.map((run) => `seed ${run.seed} ${run.loss.toFixed(6)}`).join(", ");
    for (const { spelling, device } of devices) {
      const { steps } = await train({ ...TRAINING, precision: "mixed" }, { seed, device });
      const loss = end(steps);
      console.info(
        `mean loss of the last 5 of ${TRAINING.steps} steps: f32 ${shown}; ${spelling}, seed ${seed}: ${loss.toFixed(6)}`,
      );
      expect(steps.map(({ notice }) => notice).filter(Boolean)).toEqual([]);
      expect(loss).not.toBe(median); // it was rounded
      expect(loss).toBeGreaterThanOrEqual(lowest);
      expect(loss).toBeLessThanOrEqual(highest);
    }
  });

  const SHORT = { ...TRAINING, steps: 6, precision: "mixed", checkpoint: "run", checkpointEvery: 3 } as const;
  const store = () => checkpointStore(memoryDirectory());
  const optimizerOf = async (kept: CheckpointStore) => (await kept.load())?.get("optimizer.safetensors");

  test("that was stopped and resumed ends at the bits of one that was not, the scale of the loss included", async () => {
    const [whole, cut] = [store(), store()];
    const expected = await train(SHORT, { store: whole });
    await train(SHORT, { store: cut, stop: 3 });
    const resumed = await train(SHORT, { store: cut });
    expect(resumed.steps.map(({ step, loss }) => [step, loss])).toEqual(
      expected.steps.slice(3).map(({ step, loss }) => [step, loss]),
    );
    expect(resumed.steps.map(({ notice }) => notice).filter(Boolean)).toEqual([]);
    expect(resumed.files).toEqual(expected.files);
    expect(await optimizerOf(cut)).toEqual(await optimizerOf(whole));
    const state = readSafetensors((await optimizerOf(cut)) as Uint8Array, "optimizer").tensors;
    const words = tensorFloats(state.get("update_state") as Tensor);
    expect([words[STATE.lossExponent], words[STATE.goodSteps]]).toEqual([16, 6]);
  });

  test("tells its skipped steps, and ends at the same bits where it was resumed after one", async () => {
    /** The checkpoint of step 3, with a scale so large that gradients overflow. */
    const nearOverflow = async () => {
      const kept = store();
      await train(SHORT, { store: kept, stop: 3 });
      const files = (await kept.load()) as CheckpointFiles;
      const bytes = (files.get("optimizer.safetensors") as Uint8Array).slice();
      const { bytes: state } = readSafetensors(bytes).tensors.get("update_state") as Tensor;
      new DataView(state.buffer, state.byteOffset).setFloat32(4 * STATE.lossExponent, 24, true);
      await kept.save(new Map([...files, ["optimizer.safetensors", bytes]]));
      return kept;
    };
    const [whole, cut] = [await nearOverflow(), await nearOverflow()];
    const longer = { ...SHORT, steps: 9 };
    const expected = await train(longer, { store: whole });
    expect(expected.steps[0]?.notice).toContain("Step 4 was skipped");
    const first = await train(longer, { store: cut, stop: 4 }); // two more were under way
    const rest = await train(longer, { store: cut });
    expect(first.steps.map(({ notice }) => notice)).toEqual([expected.steps[0]?.notice]);
    expect(rest.steps.map(({ step }) => step)).toEqual([7, 8, 9]);
    expect(rest.steps.at(-1)?.loss).toBe(expected.steps.at(-1)?.loss);
    expect(rest.files).toEqual(expected.files);
    expect(await optimizerOf(cut)).toEqual(await optimizerOf(whole));
  });

  test("goes on from a checkpoint of an f32 run, and says that it is another one", async () => {
    const kept = store();
    await train({ ...SHORT, precision: "f32" }, { store: kept, stop: 3 });
    const { steps } = await train(SHORT, { store: kept });
    expect(steps.map(({ step }) => step)).toEqual([4, 5, 6]);
    expect(steps[0]?.notice).toContain("not bit-identically");
  });
});
