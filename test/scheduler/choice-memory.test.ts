// What a tuned run found is there on the next visit, and nothing that a file says or a disk does can harm a run.
import { describe, expect, test } from "vitest";
import {
  type ChoiceDirectory,
  keepChoices,
  type OpenChoices,
  recallChoices,
} from "../../src/engine/choice-memory.js";
import { Engine } from "../../src/engine/engine.js";
import { memoryDirectory } from "../../src/io/memory-store.js";
import { rememberedChoices } from "../../src/scheduler/tune.js";
import { SMALL, TEXT, TRAINING } from "../api/small-model.js";
import { getDevice } from "../support/device.js";

const deviceOf = (info: object) => ({ adapterInfo: info }) as GPUDevice;
const bytes = (text: string) => new TextEncoder().encode(text);

/** Keeps these choices of a device, and forgets them as a new process would. */
async function visit(device: GPUDevice, open: OpenChoices, choices: Readonly<Record<string, string>>) {
  const known = rememberedChoices(device);
  for (const [key, variant] of Object.entries(choices)) known.set(key, variant);
  await keepChoices(device, open);
  known.clear();
}

async function recalled(device: GPUDevice, open: OpenChoices) {
  rememberedChoices(device).clear();
  await recallChoices(device, open);
  return Object.fromEntries(rememberedChoices(device));
}

/** A directory in memory and its one file. */
function directory() {
  const inner = memoryDirectory();
  const file = async () => {
    const [name] = await inner.list();
    return { name: name as string, text: new TextDecoder().decode(await inner.read(name as string)) };
  };
  return { inner, open: async () => inner, file };
}

const CHOICES = { "matmul 64": "tiled", "matmul 256": "plain" };
const DEVICE = deviceOf({ vendor: "memory", description: "tested", driver: "1.0" });

describe("choices across visits", () => {
  test("are those that were kept; what this process has found itself stays", async () => {
    const { open, inner } = directory();
    await visit(DEVICE, open, CHOICES);
    expect(await inner.list()).toHaveLength(1);
    expect(await recalled(DEVICE, open)).toEqual(CHOICES);
    const known = rememberedChoices(DEVICE);
    known.set("matmul 64", "quads");
    await recallChoices(DEVICE, open);
    expect(known.get("matmul 64")).toBe("quads");
  });

  test("are of one adapter and driver", async () => {
    const { open } = directory();
    await visit(DEVICE, open, CHOICES);
    const other = deviceOf({ vendor: "memory", description: "another" });
    expect(await recalled(other, open)).toEqual({});
    expect(await recalled(deviceOf({ ...DEVICE.adapterInfo, driver: "2.0" }), open)).toEqual({});
    await visit(other, open, { "matmul 64": "plain" });
    expect(await recalled(DEVICE, open)).toEqual(CHOICES);
    expect(await recalled(other, open)).toEqual({ "matmul 64": "plain" });
  });

  test("are of one version of the library and the browser; newer ones take their place", async () => {
    const { open, inner, file } = directory();
    await visit(DEVICE, open, CHOICES);
    const { name, text } = await file();
    const { software } = JSON.parse(text);
    await inner.write(name, bytes(text.replace(software, "0.0.1 of a former browser")));
    expect(await recalled(DEVICE, open)).toEqual({});
    await visit(DEVICE, open, { "matmul 64": "plain" });
    expect(await recalled(DEVICE, open)).toEqual({ "matmul 64": "plain" });
  });

  test("a damaged or foreign file is ignored", async () => {
    const { open, inner, file } = directory();
    await visit(DEVICE, open, CHOICES);
    const { name, text } = await file();
    const { software } = JSON.parse(text);
    for (const content of ["", text.slice(0, -9), "null", "7", '{"choices":{"a":"b"}}', "\u0000\uffff"]) {
      await inner.write(name, bytes(content));
      expect(await recalled(DEVICE, open), content).toEqual({});
    }
    for (const choices of [null, 7, [1], { a: 1, b: null, c: {} }]) {
      await inner.write(name, bytes(JSON.stringify({ software, choices })));
      expect(await recalled(DEVICE, open)).toEqual({});
    }
    await inner.write(name, bytes(JSON.stringify({ software, choices: { a: 1, b: "plain" } })));
    expect(await recalled(DEVICE, open)).toEqual({ b: "plain" });
  });
});

const failing = async () => {
  throw new Error("the disk is full");
};
const FAILING: ChoiceDirectory = { read: failing, write: failing, rename: failing };

test.each([
  ["there is no place for files", async () => undefined],
  ["it does not open", failing],
  ["it opens, and every operation fails", async () => FAILING],
])("train({ tune }) works where %s", async (_, openChoices) => {
  const device = await getDevice();
  rememberedChoices(device).set("of this process", "plain");
  const engine = await Engine.create({ ...SMALL, layers: ["local"] }, { device, openChoices });
  const summary = await engine.train(TEXT, { ...TRAINING, steps: 1, tune: true }).finish();
  expect(summary.step).toBe(1);
  expect(rememberedChoices(device).get("of this process")).toBe("plain");
  await engine.dispose();
});

test("train({ tune }) keeps what it finds and takes what it finds kept; other runs do neither", async () => {
  const device = await getDevice();
  const known = rememberedChoices(device);
  known.clear();
  const { inner, open, file } = directory();
  const run = async (tune: boolean) => {
    const engine = await Engine.create({ ...SMALL, layers: ["local"] }, { device, openChoices: open });
    await engine.train(TEXT, { ...TRAINING, steps: 1, tune }).finish();
    await engine.dispose();
  };
  await run(false);
  expect(await inner.list()).toEqual([]);
  await run(true);
  const { name, text } = await file();
  const { choices } = JSON.parse(text) as { choices: Record<string, string> };
  expect(choices).toEqual(Object.fromEntries(known));
  expect(Object.keys(choices)).not.toEqual([]); // how many, in the second that it takes, is the machine's matter
  known.clear();
  const [key = "", variant] = Object.entries(choices)[0] ?? [];
  const other = variant === "plain" ? "tiled" : "plain";
  await inner.write(name, bytes(text.replace(`"${key}":"${variant}"`, `"${key}":"${other}"`)));
  await run(true);
  expect(known.get(key)).toBe(other); // not timed again
});
