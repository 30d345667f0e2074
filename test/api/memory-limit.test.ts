// A model that may hold only so many bytes of GPU memory.
import { expect, test } from "vitest";
import { resolveConfig } from "../../src/config/config.js";
import { Engine } from "../../src/engine/engine.js";
import { resolveTrainOptions } from "../../src/engine/options.js";
import { ConfigError, GpuOutOfMemoryError } from "../../src/errors.js";
import { checkpointStore } from "../../src/io/checkpoint-store.js";
import { memoryDirectory } from "../../src/io/memory-store.js";
import { parameterArena } from "../../src/model/memory.js";
import { longestLength, planMemory } from "../../src/plan-memory.js";
import { profileOf } from "../../src/scheduler/profile.js";
import { planTraining } from "../../src/train/recordings.js";
import type { TrainOptions } from "../../src/types.js";
import { getDevice } from "../support/device.js";
import { countGpuBytes } from "./gpu-bytes.js";
import { SMALL, TEXT } from "./small-model.js";

/** Its inner activations are most of a step's memory. */
const WIDE = { ...SMALL, feedForwardSize: 512, maxLength: 1024 };
const TRAINING = { steps: 4, length: 1024, evaluateEvery: 0, checkpointEvery: 0 } satisfies TrainOptions;

const device = await getDevice();
const whole = planMemory(WIDE, TRAINING, device.limits).total;
/** What only a plan of fewer rows at a time keeps. */
const memoryLimit = whole - 1;

/** Its heads are most of a step's memory. */
const MANY_HEADS = { ...SMALL, numHeads: 4, headSize: 32, maxLength: 1024 };
/** What only a plan of fewer heads at a time keeps: less than all heads need with the fewest rows at a time. */
const limitOfHeads = (() => {
  const config = resolveConfig(MANY_HEADS);
  const { shape } = resolveTrainOptions(config, TRAINING);
  const profile = { ...profileOf(device), chunkDivisor: 16 };
  return (
    planTraining(config, shape, parameterArena(config, "weights", "weights"), profile).plan.memory.total - 1
  );
})();
const LIMITED = [
  ["rows", WIDE, memoryLimit],
  ["heads", MANY_HEADS, limitOfHeads],
] as const;

async function lossesOf(engine: Engine, options: TrainOptions, leaveAt = Infinity): Promise<number[]> {
  const losses: number[] = [];
  for await (const { loss, step } of engine.train(TEXT, options)) {
    losses.push(loss);
    if (step === leaveAt) break;
  }
  return losses;
}

test.each(LIMITED)(
  "create({ memoryLimit }), fewer %s at a time: training holds what was planned within it, and trains the same",
  async (what, options, limit) => {
    const bytes = countGpuBytes();
    try {
      const engine = await Engine.create(options, { device, memoryLimit: limit });
      const losses = await lossesOf(engine, TRAINING);
      await engine.dispose();
      const planned = planMemory(options, { ...TRAINING, memoryLimit: limit }, device.limits);
      expect(planned.total).toBeLessThanOrEqual(limit);
      expect(bytes.peak().total).toBe(planned.total);
      expect(bytes.live()).toBe(0);
      const free = await Engine.create(options, { device });
      const expected = await lossesOf(free, TRAINING);
      await free.dispose();
      // Rows are computed alike, however many at a time; groups of heads are rounded into the streams one by one.
      if (what === "rows") expect(losses[0]).toBe(expected[0]);
      // The sums over tokens of weight gradients round otherwise: far below what a step changes.
      losses.forEach((loss, i) => void expect(loss).toBeCloseTo(expected[i] as number, 3));
    } finally {
      bytes[Symbol.dispose]();
    }
  },
);

test.each(LIMITED)(
  "a run goes on with the %s at a time that its checkpoint names, whatever the limit is now",
  async (_what, options, limit) => {
    const directory = memoryDirectory();
    const openStore = async () => checkpointStore(directory);
    const limited = await Engine.create(options, { device, memoryLimit: limit, openStore });
    const expected = await lossesOf(limited, TRAINING);
    await limited.dispose();
    const first = await Engine.create(options, { device, memoryLimit: limit, openStore });
    const losses = await lossesOf(first, { ...TRAINING, checkpoint: "run", checkpointEvery: 2 }, 2);
    await first.dispose();
    const second = await Engine.create(options, { device, openStore });
    for await (const { loss, notice } of second.train(TEXT, { ...TRAINING, checkpoint: "run" })) {
      losses.push(loss);
      expect(notice).toBeUndefined(); // bit-identical, or it would say so
    }
    await second.dispose();
    expect(losses).toEqual(expected);
  },
);

test("what does not fit is refused before anything is allocated, and the longest length is said", async () => {
  const options = { memoryLimit: planMemory(WIDE, { length: 256 }, device.limits).total };
  const engine = await Engine.create(WIDE, { device, ...options });
  try {
    const refused = await engine
      .train(TEXT, TRAINING)
      .finish()
      .catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(GpuOutOfMemoryError);
    const longest = longestLength(WIDE, options, device.limits);
    expect((refused as GpuOutOfMemoryError).details).toMatchObject({ length: 1024, longest });
    await engine.train(TEXT, { ...TRAINING, steps: 1, length: longest }).finish();
    await engine.generate("The ", { maxNewTokens: 2 }).text(); // the model is as it was
  } finally {
    await engine.dispose();
  }
  await expect(Engine.create(WIDE, { device, memoryLimit: 1000 })).rejects.toThrow("memoryLimit is 1000");
  await expect(Engine.create(WIDE, { device, memoryLimit: -1 })).rejects.toThrow(ConfigError);
});
