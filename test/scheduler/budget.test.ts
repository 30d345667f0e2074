// Budgets of GPU memory: which plan is taken, what is refused, and the longest length that fits.
import { describe, expect, test } from "vitest";
import { resolveConfig } from "../../src/config/config.js";
import { resolveTrainOptions } from "../../src/engine/options.js";
import { GpuOutOfMemoryError } from "../../src/errors.js";
import { headGroups } from "../../src/layers/head-groups.js";
import { parameterArena } from "../../src/model/memory.js";
import { longestLength, planMemory } from "../../src/plan-memory.js";
import { largestWithin, planWithin } from "../../src/scheduler/budget.js";
import { DEFAULT_LIMITS, type DeviceProfile } from "../../src/scheduler/plan.js";
import { planTraining } from "../../src/train/recordings.js";
import type { ReformerOptions } from "../../src/types.js";

/** Its inner activations and logits are most of a step's memory. */
const WIDE: ReformerOptions = {
  hiddenSize: 32,
  numHeads: 2,
  headSize: 16,
  feedForwardSize: 512,
  vocabSize: 256,
  layers: ["local", "lsh"],
  lshChunkLength: 16,
  localChunkLength: 16,
  maxLength: 65_536,
};
const RUN = { length: 4096 };
/** Of lengths and memory limits that are never refused for other reasons. */
const bytesAt = (length: number, memoryLimit?: number) => planMemory(WIDE, { length, memoryLimit }).total;

describe("planMemory(config, { memoryLimit })", () => {
  test("a limit that is kept anyway changes nothing", () => {
    const { total } = planMemory(WIDE, RUN);
    expect(planMemory(WIDE, { ...RUN, memoryLimit: total })).toEqual(planMemory(WIDE, RUN));
  });

  test("a lower one is kept by working on fewer rows at a time", () => {
    const whole = planMemory(WIDE, RUN);
    const small = planMemory(WIDE, { ...RUN, memoryLimit: whole.total - 1 });
    expect(small.total).toBeLessThan(whole.total);
    expect(small.workspace).toBeLessThan(whole.workspace);
    expect(small.weights).toBe(whole.weights);
  });

  test("one that nothing keeps is refused, with what is needed and the longest length that fits", () => {
    const memoryLimit = bytesAt(1024);
    const asked = () => planMemory(WIDE, { length: 65_536, memoryLimit });
    expect(asked).toThrow(GpuOutOfMemoryError);
    try {
      asked();
    } catch (error) {
      const { message, details } = error as GpuOutOfMemoryError;
      expect(message).toContain("length 65536");
      expect(message).toContain(`memoryLimit is ${memoryLimit}`);
      expect(details).toMatchObject({ limit: memoryLimit, length: 65_536 });
      expect(details.longest).toBe(longestLength(WIDE, { memoryLimit }));
      expect(message).toContain(`longest length that fits is ${details.longest}`);
    }
  });

  test.each([0, -1, Number.NaN])("memoryLimit %d is refused", (memoryLimit) => {
    expect(() => planMemory(WIDE, { ...RUN, memoryLimit })).toThrow("memoryLimit");
  });
});

describe("attention of some heads at a time", () => {
  const NARROW: ReformerOptions = {
    ...WIDE,
    ...{ hiddenSize: 64, numHeads: 4, headSize: 64, feedForwardSize: 64 },
  };
  const LENGTH = 8192;
  /** The plan of a training step with `headGroup` heads and the smallest chunks of rows. */
  const planOf = (options: ReformerOptions, length: number, headGroup?: number, chunkDivisor = 16) => {
    const config = resolveConfig(options);
    const { shape } = resolveTrainOptions(config, { steps: 1, length });
    const weights = parameterArena(config, "weights", "weights");
    const large = { maxBufferSize: 2 ** 36, maxStorageBufferBindingSize: 2 ** 36 };
    return planTraining(config, shape, weights, { ...DEFAULT_LIMITS, ...large, chunkDivisor, headGroup })
      .plan;
  };

  test("keeps a limit that all heads with the fewest rows do not", () => {
    const { total } = planOf(NARROW, LENGTH).memory;
    const memoryLimit = total - 1;
    expect(planMemory(NARROW, { length: LENGTH, memoryLimit }).total).toBeLessThanOrEqual(memoryLimit);
    expect(planOf(NARROW, LENGTH, 1).memory.total).toBeLessThan(total / 2);
    expect(longestLength(NARROW, { memoryLimit })).toBeGreaterThan(1.8 * LENGTH);
  });

  test("is as many as fit, and all where they do", () => {
    const groupWithin = (memoryLimit: number) => {
      const config = resolveConfig(NARROW);
      const { shape } = resolveTrainOptions(config, { steps: 1, length: LENGTH });
      const weights = parameterArena(config, "weights", "weights");
      const make = (profile: DeviceProfile) => planTraining(config, shape, weights, profile);
      const profile = { ...DEFAULT_LIMITS, memoryLimit };
      return planWithin(profile, { bytes: 0 }, make, headGroups(config)).plan.choices.headGroup;
    };
    const totals = [undefined, 2, 1].map((headGroup) => planOf(NARROW, LENGTH, headGroup, 1).memory.total);
    expect(totals.map(groupWithin)).toEqual([undefined, 2, 1]);
  });

  test("fits bindings that all heads do not: then the length is as many times longer", () => {
    const limits = { maxBufferSize: 2 ** 20, maxStorageBufferBindingSize: 2 ** 20 } as GPUSupportedLimits;
    const perHead = 2 ** 20 / (4 * 64);
    const hashed: ReformerOptions = { ...NARROW, layers: ["lsh"] }; // gradients of other keys share a binding
    expect(longestLength(hashed, {}, limits)).toBe(perHead);
    expect(planMemory(hashed, { length: perHead }, limits).largestBinding).toBe(2 ** 20);
  });

  test("takes no more bytes per token than 16d + 4d + d·s + g·(e(2s + 20) + 24 + 4R) + 8", () => {
    const [d, e, s, rounds] = [256, 64, 4, 4];
    const model: ReformerOptions = {
      ...{ hiddenSize: d, numHeads: 4, headSize: e, numHashes: rounds, feedForwardSize: 1024 },
      ...{ layers: ["local", "lsh"], maxLength: 2 ** 16 },
    };
    for (const heads of [4, 2, 1]) {
      const total = (length: number) =>
        planOf(model, length, heads === 4 ? undefined : heads, 1).memory.total;
      const perToken = (total(2 ** 16) - total(2 ** 15)) / 2 ** 15;
      const target = 16 * d + 4 * d + d * s + heads * (e * (2 * s + 20) + 24 + 4 * rounds) + 8;
      expect(perToken, `${heads} heads at a time`).toBeLessThanOrEqual(target);
    }
  });
});

describe("longestLength(config, options, limits)", () => {
  test.each([
    ["8 MiB", 2 ** 23, "reversible"],
    ["32 MiB", 2 ** 25, "reversible"],
    ["32 MiB, stored activations", 2 ** 25, "stored"],
  ] as const)(
    "%s: the length fits and the next multiple of the chunks does not",
    (_, memoryLimit, backward) => {
      const length = longestLength(WIDE, { memoryLimit, backward });
      expect(length).toBeGreaterThan(0);
      expect(length % 16).toBe(0);
      expect(planMemory(WIDE, { length, memoryLimit, backward }).total).toBeLessThanOrEqual(memoryLimit);
      expect(() => planMemory(WIDE, { length: length + 16, memoryLimit, backward })).toThrow("memoryLimit");
    },
  );

  test("without a budget the device's largest binding decides", () => {
    const limits = { maxBufferSize: 2 ** 20, maxStorageBufferBindingSize: 2 ** 20 } as GPUSupportedLimits;
    const length = longestLength(WIDE, {}, limits);
    expect(planMemory(WIDE, { length }, limits).largestBinding).toBeLessThanOrEqual(2 ** 20);
    expect(() => planMemory(WIDE, { length: length + 16 }, limits)).toThrow("maxStorageBufferBindingSize");
  });

  test("it is never more than the model's positions, and 0 where not even the weights fit", () => {
    expect(longestLength({ ...WIDE, maxLength: 200 }, { memoryLimit: 2 ** 40 })).toBe(192);
    expect(longestLength(WIDE, { memoryLimit: 1024 })).toBe(0);
  });

  test("a budget below one chunk's leaves shorter lengths", () => {
    const fixed = { feedForwardChunk: 4096, headChunk: 4096 };
    const long = { ...WIDE, ...fixed, lshChunkLength: 1024, localChunkLength: 1024 };
    const memoryLimit = planMemory(long, { length: 700 }).total;
    const length = longestLength(long, { memoryLimit });
    expect(length).toBeGreaterThanOrEqual(700);
    expect(length).toBeLessThan(1024);
    expect(() => planMemory(long, { length: length + 1, memoryLimit })).toThrow("memoryLimit");
  });
});

test.each([
  ["proportional", (i: number) => 100 + 7 * i],
  ["in jumps", (i: number) => 1000 * Math.ceil(i / 64)],
  ["quadratic", (i: number) => i * i],
  ["exponential", (i: number) => 1.05 ** i],
  ["refused from some length on", (i: number) => (i > 700 ? Number.POSITIVE_INFINITY : i)],
])("largestWithin, bytes %s: the same as by trying all", (_, bytes) => {
  for (const limit of [0, 99, 107, 900, 5000, 1e5, 1e9]) {
    let tries = 0;
    const counted = (i: number) => {
      tries++;
      return bytes(i);
    };
    const all = Array.from({ length: 1000 }, (__, i) => i + 1).filter((i) => bytes(i) <= limit);
    expect(largestWithin(1000, counted, limit)).toBe(all.at(-1) ?? 0);
    expect(tries).toBeLessThan(60);
  }
});
