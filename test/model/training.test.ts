// One small model trained on the real path: gradients, memory and slabs.
import { afterAll, describe, expect, test } from "vitest";
import { type ReformerOptions, resolveConfig } from "../../src/config/config.js";
import { planWeights } from "../../src/engine/device.js";
import { resolveTrainOptions } from "../../src/engine/options.js";
import { Gpu } from "../../src/gpu/gpu.js";
import { packControl } from "../../src/model/control.js";
import { parameterArena } from "../../src/model/memory.js";
import { initialValues, parameters } from "../../src/model/parameters.js";
import { planMemory } from "../../src/plan-memory.js";
import type { DeviceProfile } from "../../src/scheduler/plan.js";
import { profileOf } from "../../src/scheduler/profile.js";
import type { Tensor } from "../../src/scheduler/recording.js";
import { PreparedPlan } from "../../src/scheduler/run.js";
import { writeBatch } from "../../src/train/evaluation.js";
import { planTraining, RUN } from "../../src/train/recordings.js";
import { RESULT } from "../../src/train/results.js";
import { Trainer } from "../../src/train/trainer.js";
import type { TrainOptions } from "../../src/types.js";
import { getDevice } from "../support/device.js";

/** Wide streams and narrow heads, so that streams can be cut in slabs while heads fit one binding. */
const OPTIONS: ReformerOptions = {
  vocabSize: 32,
  hiddenSize: 128,
  numHeads: 2,
  headSize: 16,
  feedForwardSize: 64,
  layers: ["local", "lsh"],
  lshChunkLength: 16,
  localChunkLength: 16,
  numHashes: 2,
  numBuckets: 8,
  maxLength: 256,
  axialInitStd: 0.5,
  initializerRange: 0.15,
};
const LENGTH = 256;
const gpus: Gpu[] = [];
afterAll(() => {
  for (const gpu of gpus) gpu.dispose();
});

async function makeTrainer(
  options: Partial<TrainOptions> = {},
  limits: Partial<DeviceProfile> = {},
  changes: ReformerOptions = {},
) {
  const config = resolveConfig({ ...OPTIONS, ...changes });
  const device = await getDevice();
  const gpu = new Gpu(device);
  gpus.push(gpu);
  const profile = { ...profileOf(device), ...limits };
  const weights = parameterArena(config, "weights", "weights");
  const base = await PreparedPlan.create(gpu, planWeights(config, weights, profile));
  for (const [i, p] of parameters(config).entries()) base.write(weights.get(p.name), initialValues(p, i, 7));
  const settings = resolveTrainOptions(config, { steps: 4, length: LENGTH, ...options });
  const plan = planTraining(config, settings.shape, weights, profile);
  const trainer = await Trainer.create(gpu, config, plan, base, {
    seed: 5,
    accumulate: 1,
    schedule: settings.schedule,
  });
  return { gpu, base, trainer, plan };
}

/** Tokens of a fixed pseudo-random text, and the next tokens as targets. */
function batchOf(length = LENGTH) {
  const tokens = Uint32Array.from({ length: length + 1 }, (_, i) => (i * i * 7 + (i >> 2)) % 32);
  return { inputs: tokens.subarray(0, length), targets: tokens.subarray(1), batchSize: 1, length };
}

/** Loss and all gradients of one batch. */
async function gradientsOf(made: Awaited<ReturnType<typeof makeTrainer>>) {
  const { prepared, plan } = made.trainer;
  prepared.write(plan.windows.inputs.control, packControl({ seed: 5, draw: 0, lossScale: 1 / LENGTH }));
  writeBatch(prepared, plan.windows, batchOf(plan.windows.length));
  await prepared.run(RUN.clear);
  await prepared.run(RUN.batch);
  const gradients = new Map<string, Float32Array>();
  for (const [name, tensor] of plan.gradients.tensors)
    gradients.set(name, (await prepared.read(tensor)) as Float32Array);
  return { loss: (await prepared.read(plan.windows.results))[RESULT.loss] as number, gradients };
}

const bits = (values: Float32Array) => new Uint32Array(values.buffer);

describe("training on the real path", () => {
  test.each(["f32", "mixed"] as const)(
    "reversible gradients with int32 streams equal stored ones to the bit, %s",
    async (precision) => {
      const reversible = await gradientsOf(await makeTrainer({ backward: "reversible", precision }));
      const stored = await gradientsOf(await makeTrainer({ backward: "stored", precision }));
      expect(reversible.loss).toBeGreaterThan(1);
      expect(reversible.loss).toBe(stored.loss);
      for (const [name, gradient] of reversible.gradients) {
        expect(bits(gradient), name).toEqual(bits(stored.gradients.get(name) as Float32Array));
        expect(
          gradient.some((g) => g !== 0),
          name,
        ).toBe(true);
      }
    },
  );

  test("one head at a time: the same loss and gradients but for rounding, and reversible ones equal stored ones to the bit", async () => {
    // The first layer hashes, so that rounding moves no token to another bucket.
    const layers: ReformerOptions["layers"] = ["lsh", "local"];
    const dropped = { layers, hiddenDropout: 0.1, lshDropout: 0.1, localDropout: 0.1 };
    const oneHead = { headGroup: 1 };
    const all = await gradientsOf(await makeTrainer({}, {}, dropped));
    const reversible = await gradientsOf(await makeTrainer({}, oneHead, dropped));
    const stored = await gradientsOf(await makeTrainer({ backward: "stored" }, oneHead, dropped));
    expect(reversible.loss).toBe(stored.loss);
    // Each of a head's 4 additions to a stream of numbers near 1 rounds to 2^-17, for a mean over 256 tokens.
    expect(Math.abs(reversible.loss - all.loss)).toBeLessThan(8 * 2 ** -17);
    for (const [name, gradient] of reversible.gradients) {
      expect(bits(gradient), name).toEqual(bits(stored.gradients.get(name) as Float32Array));
      const other = all.gradients.get(name) as Float32Array;
      const largest = Math.max(...other.map(Math.abs));
      // Roundings of the streams by 2^-17, of sums over 256 tokens that cancel to a 16th.
      const bound = 8 * 2 ** -17 * 16 * Math.max(largest, 2 ** -8);
      const furthest = gradient.reduce((most, g, i) => Math.max(most, Math.abs(g - (other[i] as number))), 0);
      expect(furthest, name).toBeLessThanOrEqual(bound);
    }
  });

  test("streams cut in slabs give the same loss and the same gradients up to the order of sums", async () => {
    const whole = await gradientsOf(await makeTrainer());
    const slabbed = await makeTrainer({}, { maxStorageBufferBindingSize: 65_536 });
    expect(slabbed.plan.windows.streams.x1.slabs.length).toBe(2);
    const cut = await gradientsOf(slabbed);
    expect(cut.loss).toBe(whole.loss);
    for (const [name, gradient] of cut.gradients) {
      const other = whole.gradients.get(name) as Float32Array;
      // Sums over 256 tokens in two parts: 256 roundings of partial sums, which cancellation may make 16 times the result.
      const bound = 256 * 2 ** -24 * Math.max(...other.map(Math.abs)) * 16;
      for (const [i, g] of gradient.entries()) {
        expect(Math.abs(g - (other[i] as number)), `${name}[${i}]`).toBeLessThanOrEqual(bound);
      }
    }
  });

  test("a gradient step lowers the loss by learning rate · |gradient|² to first order", async () => {
    // Two chunks that see one another: the loss does not jump where a token changes its bucket.
    const smooth: ReformerOptions = { lshChunkLength: LENGTH / 2, acrossBuckets: true };
    const made = await makeTrainer({ streams: "f32", backward: "stored" }, {}, smooth);
    const { loss, gradients } = await gradientsOf(made);
    const square = [...gradients.values()].reduce((sum, g) => sum + g.reduce((s, x) => s + x * x, 0), 0);
    const rate = 0.01 / Math.sqrt(square);
    const { plan, trainer } = made;
    const moved = async (sign: number) => {
      for (const [name, tensor] of plan.weights.tensors) {
        const start = await trainer.prepared.read(tensor);
        const gradient = gradients.get(name) as Float32Array;
        trainer.prepared.write(
          tensor,
          Float32Array.from(start, (w, i) => w - sign * rate * (gradient[i] as number)),
        );
      }
      return (await gradientsOf(made)).loss;
    };
    const lower = await moved(1);
    const upper = await moved(-2);
    expect(lower).toBeLessThan(loss);
    const slope = (upper - lower) / (2 * rate);
    expect(Math.abs(slope - square) / square).toBeLessThan(0.01);
  });

  test("Adafactor learns with a fraction of AdamW's state, and keeps it in named tensors", async () => {
    const { trainer, plan } = await makeTrainer({
      optimizer: "adafactor",
      learningRate: 0.01,
      warmupSteps: 0,
    });
    const source = { batch: () => batchOf() };
    const losses = [];
    for await (const { loss } of trainer.run(source, 4)) losses.push(loss);
    expect(losses[3]).toBeLessThan(losses[0] as number);
    const bytes = (tensors: Iterable<Tensor>) => [...tensors].reduce((sum, t) => sum + t.byteLength, 0);
    expect(bytes(plan.optimizer.stateTensors.values())).toBeLessThan(
      bytes(plan.weights.tensors.values()) / 10,
    );
    const columns = plan.optimizer.stateTensors.get("lm_head.decoder.weight.c") as Tensor;
    const squares = await trainer.prepared.read(columns);
    expect(squares.every((square) => square > 0 && Number.isFinite(square))).toBe(true);
  });

  test.each(["f32", "mixed"] as const)(
    "planMemory equals the bytes that were allocated, by category, %s",
    async (precision) => {
      const { gpu } = await makeTrainer({ precision });
      const planned = planMemory(OPTIONS, { length: LENGTH, precision }, (await getDevice()).limits);
      const { largestBinding: _, ...categories } = planned;
      expect(gpu.memory).toEqual(categories);
      expect(gpu.peakBytes).toBe(planned.total);
    },
  );

  test("mixed precision halves what attention keeps of a token: its normalised row, queries, keys and values", () => {
    const { hiddenSize, numHeads, headSize } = { hiddenSize: 256, numHeads: 4, headSize: 64 };
    const sizes = { ...OPTIONS, vocabSize: 256, hiddenSize, numHeads, headSize, maxLength: 2 ** 17 };
    const limits = { maxBufferSize: 2 ** 33, maxStorageBufferBindingSize: 2 ** 32 } as GPUSupportedLimits;
    const perToken = (layers: ReformerOptions["layers"], precision: "f32" | "mixed") => {
      const [less, more] = [2 ** 16, 2 ** 17].map(
        (length) => planMemory({ ...sizes, layers }, { length, precision }, limits).workspace,
      ) as [number, number];
      return (more - less) / 2 ** 16;
    };
    const width = numHeads * headSize;
    const saved = (layers: ReformerOptions["layers"]) => perToken(layers, "f32") - perToken(layers, "mixed");
    expect(saved(["lsh"])).toBe(2 * (hiddenSize + 2 * width));
    expect(saved(["local", "lsh"])).toBe(2 * (hiddenSize + 3 * width));
  });

  test("lengths that are no multiple of the chunks are padded inside and masked", async () => {
    const made = await makeTrainer({ length: 250 });
    expect(made.plan.windows.paddedLength).toBe(256);
    const { loss } = await gradientsOf(made);
    expect(Number.isFinite(loss)).toBe(true);
  });

  test("dispose frees all of it", async () => {
    const { gpu, base, trainer } = await makeTrainer();
    trainer.dispose();
    base.dispose();
    expect(gpu.liveBytes).toBe(0);
  });
});
