// Which variant is taken: by a clock of the test's own, by one on the device, and by what a checkpoint says.
import { describe, expect, test } from "vitest";
import { Engine } from "../../src/engine/engine.js";
import { Gpu } from "../../src/gpu/gpu.js";
import type { Dims, Kernel } from "../../src/gpu/kernel.js";
import { unpackCheckpoint } from "../../src/io/checkpoint.js";
import { checkpointStore } from "../../src/io/checkpoint-store.js";
import { memoryDirectory } from "../../src/io/memory-store.js";
import { matmul, matmulDims } from "../../src/kernels/matmul.js";
import { DEFAULT_LIMITS, type DeviceProfile, plan } from "../../src/scheduler/plan.js";
import { Recording } from "../../src/scheduler/recording.js";
import {
  candidatesOf,
  fastest,
  rememberedChoices,
  type Stopwatch,
  stopwatchOn,
  tune,
} from "../../src/scheduler/tune.js";
import { SMALL, TEXT, TRAINING } from "../api/small-model.js";
import { getDevice } from "../support/device.js";
import { profileOf } from "../support/run-kernel.js";

/** Two products of one class, and a larger one. */
function products(profile: DeviceProfile) {
  const recording = new Recording();
  for (const [m, n, k] of [
    [64, 64, 64],
    [60, 60, 60],
    [256, 64, 64],
  ] as const) {
    const dims = matmulDims({ m, n, k });
    const tensor = (label: string, shape: readonly number[]) => recording.tensor(label, shape);
    const tensors = { a: tensor("a", [m, k]), b: tensor("b", [k, n]), out: tensor("out", [m, n]) };
    recording.dispatch(matmul, dims, tensors);
  }
  return plan([recording], profile);
}

/** Dispatches take `costs` milliseconds each, by variant; `noise` is added to every other measurement. */
function fakeWatch(costs: Readonly<Record<string, number>>, noise = 0) {
  const measured: string[] = [];
  const watch: Stopwatch = {
    variants: Object.keys(costs),
    broken: [],
    time: async (variant, repeats) =>
      repeats * (costs[variant] as number) + (measured.push(variant) % 2) * noise,
    dispose: () => void measured.push("disposed"),
  };
  return { watch, measured };
}

describe("fastest(stopwatch)", () => {
  test.each([
    ["the preferred one where it is", { plain: 1, quads: 2, tiled: 3 }, "plain"],
    ["another that is clearly faster", { plain: 1, quads: 2, tiled: 0.5 }, "tiled"],
    ["not one that is 2 % faster: measurements differ by as much", { plain: 1, tiled: 0.98 }, "plain"],
    ["one of a microsecond", { plain: 0.002, tiled: 0.001 }, "tiled"],
    ["one of a second", { plain: 1000, tiled: 900 }, "tiled"],
  ])("%s", async (_, costs, expected) => {
    expect(await fastest(fakeWatch(costs).watch)).toBe(expected);
  });

  test("variants take turns, in measurements of at least 5 ms", async () => {
    const { watch, measured } = fakeWatch({ plain: 0.1, tiled: 0.2 });
    const times: number[] = [];
    const time: Stopwatch["time"] = async (variant, repeats) => {
      const took = await watch.time(variant, repeats);
      times.push(took);
      return took;
    };
    await fastest({ ...watch, time });
    expect(measured.slice(-6)).toEqual(["plain", "tiled", "plain", "tiled", "plain", "tiled"]);
    expect(Math.min(...times.slice(-6))).toBeGreaterThanOrEqual(5);
  });
});

describe("tune(plan)", () => {
  const profile = DEFAULT_LIMITS;
  const planned = products(profile);
  const classes = candidatesOf(planned, profile);

  test("candidates are one a class, the most work first, without variants that round", () => {
    expect(classes.map(({ dims }) => (dims as { m: number }).m)).toEqual([256, 64]);
    for (const { variants } of classes) expect(variants).toEqual(["tiled", "plain"]);
  });

  test("what is remembered is not timed again", async () => {
    const known = new Map<string, string>();
    const { watch, measured } = fakeWatch({ tiled: 2, plain: 1 });
    const first = await tune(planned, profile, known, async () => watch);
    expect(Object.values(first.tuned)).toEqual(["plain", "plain"]);
    expect(measured.filter((entry) => entry === "disposed")).toHaveLength(2);
    const again = await tune(planned, profile, known, async () => {
      throw new Error("timed again");
    });
    expect(again).toEqual(first);
  });

  test("a remembered name that is no candidate does not count: it may come from a damaged file", async () => {
    const known = new Map(classes.map(({ key }) => [key, "of another library"]));
    const { tuned } = await tune(
      planned,
      profile,
      known,
      async () => fakeWatch({ tiled: 2, plain: 1 }).watch,
    );
    expect(Object.values(tuned)).toEqual(["plain", "plain"]);
    expect([...known.values()]).toEqual(["plain", "plain"]);
  });

  test("once its second is over, what is left stays as it was", async () => {
    let clock = 0;
    const start = async () => {
      clock += 2000;
      return fakeWatch({ tiled: 2, plain: 1 }).watch;
    };
    const { tuned } = await tune(planned, profile, new Map(), start, () => clock);
    expect(Object.values(tuned)).toEqual(["plain", "tiled"]);
  });

  test("a tuned plan uses what was chosen, and names it", async () => {
    const tuned = Object.fromEntries(classes.map(({ key }) => [key, "plain"]));
    const chosen = products({ ...profile, tuned });
    const names = [...(chosen.recordings[0]?.dispatches.values() ?? [])].map(({ variant }) => variant.name);
    expect(names).toEqual(["plain", "plain", "plain"]);
    expect(chosen.choices).toEqual({ chunkDivisor: 1, tuned });
  });
});

test("stopwatchOn(device): times what works, leaves out what computes something else, frees all", async () => {
  const device = await getDevice();
  const gpu = new Gpu(device);
  const profile = profileOf(device);
  const [candidates] = candidatesOf(products(profile), profile);
  if (!candidates) throw new Error("there is nothing to tune");
  const right = candidates.kernel.variants.find(({ name }) => name === "tiled");
  const wrong = { ...right, name: "wrong", grid: () => [1, 1, 1] as const }; // leaves out most tiles
  const kernel = { ...candidates.kernel, variants: [...candidates.kernel.variants, wrong] } as Kernel<Dims>;
  const watch = await stopwatchOn(
    gpu,
    profile,
  )({
    ...candidates,
    kernel,
    variants: [...candidates.variants, "wrong"],
  });
  expect(watch.variants).toEqual(candidates.variants);
  expect(watch.broken).toEqual(["wrong"]);
  for (const variant of watch.variants) expect(await watch.time(variant, 2)).toBeGreaterThan(0);
  expect(watch.variants).toContain(await fastest(watch));
  watch.dispose();
  expect(gpu.liveBytes).toBe(0);
});

test("train({ tune }): a checkpoint names the variants, and a resumed run keeps them whatever is faster now", async () => {
  const device = await getDevice();
  const directory = memoryDirectory();
  const openStore = async () => checkpointStore(directory);
  const known = rememberedChoices(device);
  const saved = async () => {
    const files = await (await openStore()).load();
    if (!files) throw new Error("nothing was saved");
    return unpackCheckpoint(files).training;
  };
  const options = { ...TRAINING, checkpoint: "run" };
  const run = async (extra: object) => {
    const engine = await Engine.create(SMALL, { device, openStore });
    const notices: (string | undefined)[] = [];
    for await (const { notice } of engine.train(TEXT, { ...options, ...extra })) notices.push(notice);
    await engine.dispose();
    return notices.filter((notice) => notice !== undefined);
  };
  await run({ steps: 1 });
  const plain = await saved();
  expect(plain.planChoices?.tuned).toEqual({});
  expect(await run({ steps: 1, resume: false, tune: true })).toEqual([]);
  const keys = Object.keys((await saved()).planChoices?.tuned ?? {});
  expect(keys.length).toBeGreaterThan(3);
  // The choice of a run is whatever was remembered: here one that differs from the device's own preference.
  const other = profileOf(device).software ? "tiled" : "plain";
  for (const key of keys) known.set(key, other);
  await run({ steps: 1, resume: false, tune: true });
  const tuned = await saved();
  expect(new Set(Object.values(tuned.planChoices?.tuned ?? {}))).toEqual(new Set([other]));
  expect(tuned.planFingerprint).not.toBe(plain.planFingerprint);
  known.clear();
  expect(await run({ steps: 2, tune: true })).toEqual([]); // no word of another plan
  expect(known.size).toBe(0); // and nothing was timed
  const resumed = await saved();
  expect(resumed).toMatchObject({ step: 2, planFingerprint: tuned.planFingerprint });
  expect(resumed.planChoices).toEqual(tuned.planChoices);
});
