// What goes wrong during training: a lost device, too little memory, numbers that blow up, a damaged checkpoint.
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Engine } from "../../src/engine/engine.js";
import type { EngineOptions } from "../../src/engine/opening.js";
import { CheckpointError, DivergedError, GpuOutOfMemoryError } from "../../src/errors.js";
import { type CheckpointDirectory, checkpointStore } from "../../src/io/checkpoint-store.js";
import { memoryDirectory } from "../../src/io/memory-store.js";
import type { TrainOptions, TrainStep } from "../../src/types.js";
import { countGpuBytes } from "../api/gpu-bytes.js";
import { SHORT, SMALL, TEXT, TRAINING } from "../api/small-model.js";
import { getDevice } from "../support/device.js";
import { withinMemory } from "./memory.js";

const RUN = { ...TRAINING, steps: 6, checkpointEvery: 2, checkpoint: "run" } as const;

/** Devices that were opened during a test, the newest last. */
const devices: GPUDevice[] = [];
const { requestDevice } = GPUAdapter.prototype;
beforeEach(() => {
  devices.length = 0;
  GPUAdapter.prototype.requestDevice = async function (this: GPUAdapter, descriptor) {
    const device = await requestDevice.call(this, descriptor);
    devices.push(device);
    return device;
  };
});
afterEach(() => {
  GPUAdapter.prototype.requestDevice = requestDevice;
});

/** A model whose checkpoints are kept in `directory`. */
const create = (directory: CheckpointDirectory = memoryDirectory(), options: EngineOptions = {}) =>
  Engine.create(SMALL, { seed: 1, openStore: async () => checkpointStore(directory), ...options });

async function stepsOf(
  model: Engine,
  options: TrainOptions,
  onStep = (_: TrainStep) => {},
): Promise<TrainStep[]> {
  const steps: TrainStep[] = [];
  for await (const step of model.train(TEXT, options)) {
    steps.push(step);
    onStep(step);
  }
  return steps;
}

const lossesOf = (steps: readonly TrainStep[]) => steps.map(({ step, loss }) => [step, loss] as const);

describe("a lost device", () => {
  test("is replaced: the run goes on from its last checkpoint, says so, and ends to the bit where it would have", async () => {
    const undisturbed = await create(memoryDirectory(), { device: await getDevice() });
    const expected = lossesOf(await stepsOf(undisturbed, RUN));
    const weights = await undisturbed.files();
    await undisturbed.dispose();
    devices.length = 0;

    using bytes = countGpuBytes();
    const model = await create();
    const lost = new Set([1, 5]);
    const steps = await stepsOf(model, RUN, ({ step }) => {
      if (lost.delete(step)) devices.at(-1)?.destroy();
    });
    expect(devices).toHaveLength(3);
    const news = steps.filter(({ recoveredFrom }) => recoveredFrom !== undefined);
    expect(news.map(({ step, recoveredFrom }) => [step, recoveredFrom])).toEqual([
      [1, 0],
      [5, 4],
    ]);
    expect(news[1]?.notice).toContain("went on from the checkpoint of step 4 on a new device");
    // Every step, also one that is taken again, is the undisturbed run's.
    for (const { step, loss } of steps) expect([step, loss]).toEqual(expected[step - 1]);
    expect(steps.at(-1)?.step).toBe(RUN.steps);
    expect(await model.files()).toEqual(weights);
    await model.dispose();
    expect(bytes.live()).toBe(0);
  });
});

describe("too little GPU memory", () => {
  const long = { ...TRAINING, length: 128, batchSize: 4, steps: 1 } as const;

  test("when a device refuses a buffer: says what was needed and what to do, and a smaller run still works", async () => {
    using bytes = countGpuBytes();
    const model = await create();
    const before = bytes.live();
    const device = devices.at(-1) as GPUDevice;
    const memory = withinMemory(device, 2 ** 20);
    const error = await stepsOf(model, long).catch((thrown: unknown) => thrown);
    memory.restore();
    expect(error).toBeInstanceOf(GpuOutOfMemoryError);
    const { message, details } = error as GpuOutOfMemoryError;
    expect(details.needed).toBeGreaterThan(2 ** 20);
    expect(message).toContain(`${details.needed} bytes of GPU memory were needed`);
    expect(message).toContain("use a shorter length, a smaller batch or a smaller model");
    expect(bytes.live()).toBe(before);
    expect(await stepsOf(model, { ...TRAINING, steps: 1 })).toHaveLength(1);
    await model.dispose();
  });

  test("when the model exceeds the device's limits: says what was needed, what is allowed and what to do", async () => {
    const device = await getDevice({ defaultLimits: true });
    const large = Engine.create({ ...SMALL, vocabSize: 2 ** 21 }, { device });
    const error = await large.catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(GpuOutOfMemoryError);
    const { message, details } = error as GpuOutOfMemoryError;
    expect(details).toMatchObject({
      needed: 2 ** 21 * 32 * 4,
      limit: device.limits.maxStorageBufferBindingSize,
    });
    expect(message).toContain(
      `needs ${details.needed} bytes in one binding, this device allows ${details.limit}: use`,
    );
    device.destroy();
  });
});

describe("training that blows up", () => {
  test("names the step and the layer, and keeps the last good checkpoint", async () => {
    const model = await create(memoryDirectory(), { device: await getDevice() });
    await stepsOf(model, { ...RUN, steps: 4 });
    const good = await model.evaluate(SHORT, { length: 64 });
    const wild = {
      ...RUN,
      steps: 100,
      learningRate: 1e6,
      schedule: "constant",
      warmupSteps: 0,
      clipNorm: 0,
    } as const;
    const error = await stepsOf(model, { ...wild, checkpointEvery: 0 }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(DivergedError);
    const { message, details } = error as DivergedError;
    expect(details.step).toBeGreaterThan(4);
    expect(message).toContain(`step ${details.step} in ${details.where}`);
    expect(details.where).toMatch(/layer \d|reformer\./);
    // The model stands where the checkpoint does, and goes on from there.
    expect((await model.describe()).step).toBe(4);
    expect(await model.evaluate(SHORT, { length: 64 })).toEqual(good);
    expect((await stepsOf(model, RUN)).map(({ step }) => step)).toEqual([5, 6]);
    await model.dispose();
  });
});

describe("a damaged checkpoint", () => {
  test("is refused by the name of its file; a new run may begin", async () => {
    const directory = memoryDirectory();
    const model = await create(directory, { device: await getDevice() });
    for (const file of ["model.safetensors", "optimizer.safetensors", "training.json"]) {
      await stepsOf(model, { ...RUN, steps: 2, resume: false });
      const saved = (await directory.list()).filter((name) => name.startsWith("generation-"));
      const generations = saved.map((name) => Number(name.slice("generation-".length)));
      const path = `generation-${Math.max(...generations)}/${file}`;
      const bytes = (await directory.read(path)) as Uint8Array;
      bytes[bytes.length - 2] = (bytes.at(-2) as number) ^ 1;
      await directory.write(path, bytes);
      const error = await stepsOf(model, RUN).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(CheckpointError);
      expect(error).toMatchObject({ details: { file, previous: true } });
    }
    expect((await stepsOf(model, { ...RUN, resume: false })).at(-1)?.step).toBe(RUN.steps);
    await model.dispose();
  });

  test("of another model is refused by the tensor that does not fit", async () => {
    const directory = memoryDirectory();
    const device = await getDevice();
    const model = await create(directory, { device });
    await stepsOf(model, { ...RUN, steps: 1 });
    await model.dispose();
    const openStore = async () => checkpointStore(directory);
    const wider = await Engine.create({ ...SMALL, feedForwardSize: 96 }, { seed: 1, openStore, device });
    const error = await stepsOf(wider, RUN).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(CheckpointError);
    expect((error as Error).message).toMatch(/has shape \[.*\], this model needs \[.*96.*\]/);
    await wider.dispose();
  });
});
