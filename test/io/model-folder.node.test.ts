// A model saved over another: in the end the folder holds one, and whatever interrupts it, what is there loads as one of
// the two, or is refused.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CheckpointError } from "../../src/errors.js";
import { textBytes } from "../../src/io/bytes.js";
import { collectModelFiles, fetchModel, readWeights } from "../../src/io/model-files.js";
import { chosenFolder, type ModelFolder, saveIntoFolder } from "../../src/io/model-folder.js";
import { modelLocation } from "../../src/io/model-source.js";
import { makeTensor, tensorFloats } from "../../src/io/safetensors.js";
import { weightFiles } from "../../src/io/weight-files.js";
import { fromFolder, intoFolder } from "../../src/node.js";
import type { ModelFiles } from "../../src/types.js";
import { folderHandle } from "./folder-handle.js";

let home = "";
let made = 0;
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "saved-"));
});
afterAll(() => rm(home, { recursive: true }));

const TENSORS = ["a", "b", "c"];
/** A model whose weights are all `value`, in so many parts; its settings and tokenizer name `version`. */
function modelOf(value: number, parts: number, version = 0): ModelFiles {
  const tensors = new Map(
    TENSORS.map((name) => [name, makeTensor([4], new Float32Array(4).fill(value))] as const),
  );
  const shardBytes = { 1: undefined, 2: 32, 3: 16 }[parts];
  return {
    ...weightFiles(tensors, { shardBytes }),
    "config.json": textBytes(`{"model_type":"reformer","version":${version}}`),
    "tokenizer.json": textBytes(`{"version":${version}}`),
  };
}

interface Place {
  readonly folder: ModelFolder;
  readonly read: () => Promise<ModelFiles>;
}
const PLACES: [string, () => Place][] = [
  [
    "a folder of Node",
    () => {
      const path = join(home, `model-${made++}`);
      return {
        folder: intoFolder(path),
        read: async () => {
          const files = await fromFolder(path);
          return collectModelFiles(async (name) => files[name]);
        },
      };
    },
  ],
  [
    "a folder that a person chose",
    () => {
      const handle = folderHandle();
      return {
        folder: chosenFolder(handle),
        read: () => fetchModel(modelLocation(handle, {}), {}),
      };
    },
  ],
];

/** The value that all weights have; NaN where they have several. */
async function valueIn(files: ModelFiles): Promise<number> {
  const { tensors } = await readWeights(files);
  expect([...tensors.keys()].sort()).toEqual(TENSORS);
  const values = new Set([...tensors].flatMap(([name, tensor]) => [...tensorFloats(tensor, name)]));
  return values.size === 1 ? ([...values][0] as number) : Number.NaN;
}

/** A folder where the `failAt`-th operation (from 0) fails, and every later one: before it is done, or just after. */
function failing(inner: ModelFolder, failAt: number, done: boolean): ModelFolder & { steps(): number } {
  let step = 0;
  const guard = async <T>(work: () => Promise<T>): Promise<T> => {
    const now = step++;
    if (now < failAt) return work();
    if (now === failAt && done) await work();
    throw new Error("power cut");
  };
  return {
    list: () => inner.list(),
    read: (name) => inner.read(name),
    remove: (name) => guard(() => inner.remove(name)),
    stage: (name, content) =>
      guard(async () => {
        const staged = await inner.stage(name, content);
        return { publish: () => guard(staged.publish), discard: () => guard(staged.discard) };
      }),
    steps: () => step,
  };
}

/** Between 1 and 2, as it comes between the two models. */
const REFUSED = 1.5;

/** What the folder holds after an interruption before and after each step: the first model or the second, whole. */
async function interrupted(open: () => Place, first: ModelFiles, second: ModelFiles): Promise<number[]> {
  const models = await Promise.all(
    [first, second].map(async (files) => ({ files, value: await valueIn(files) })),
  );
  const valueThere = async (read: Place["read"]) => {
    const files = await read().catch((error: unknown) => {
      expect(error).toBeInstanceOf(CheckpointError);
      expect((error as Error).message).toMatch(/^There is no config\.json: .* save the model there again\.$/);
    });
    if (!files) return REFUSED;
    const value = await valueIn(files);
    const settings = (of: ModelFiles) => [of["config.json"], of["tokenizer.json"]];
    const whole = models.filter((model) => model.value === value).map(({ files: of }) => settings(of));
    expect(whole).toContainEqual(settings(files));
    return value;
  };
  const place = open();
  await saveIntoFolder(first, place.folder);
  const counting = failing(place.folder, Number.POSITIVE_INFINITY, false);
  await saveIntoFolder(second, counting);
  const found: number[] = [];
  for (let failAt = 0; failAt < counting.steps(); failAt++) {
    for (const done of [false, true]) {
      const { folder, read } = open();
      await saveIntoFolder(first, folder);
      await expect(saveIntoFolder(second, failing(folder, failAt, done))).rejects.toThrow("cut");
      found.push(await valueThere(read));
      await saveIntoFolder(first, folder);
      expect(await valueThere(read)).toBe(models[0]?.value);
      expect([...(await folder.list())].sort()).toHaveLength(Object.keys(first).length);
    }
  }
  expect(found).toEqual([...found].sort()); // never back to the old one
  return found;
}

const pairs = (counts: readonly number[]) =>
  counts.flatMap((before) => counts.map((after) => [before, after] as const));

describe.each(PLACES)("%s", (_kind, open) => {
  it.each(pairs([1, 2]))(
    "of %i file(s) of weights, saved over with %i: holds the new one alone",
    async (before, after) => {
      const { folder, read } = open();
      await saveIntoFolder(modelOf(1, before), folder);
      expect(await valueIn(await read())).toBe(1);
      await saveIntoFolder(modelOf(2, after), folder);
      expect(await valueIn(await read())).toBe(2);
      const names = (await folder.list()).filter((name) => name.includes("safetensors"));
      expect(names).toHaveLength(after === 1 ? 1 : after + 1);
      expect(await folder.list()).toHaveLength(names.length + 2);
    },
  );

  it.each(pairs([1, 2]))(
    "of %i, saved over with %i of other settings, interrupted anywhere: is one of the two, or no model",
    async (before, after) => {
      const found = await interrupted(open, modelOf(1, before, 1), modelOf(2, after, 2));
      expect(found.filter((value) => value === REFUSED).length).toBeGreaterThan(0);
    },
  );

  it.each(pairs([1, 2]))(
    "of %i, saved over with %i of the same settings, interrupted anywhere: is one of the two",
    async (before, after) => {
      const found = await interrupted(open, modelOf(1, before), modelOf(2, after));
      expect(found).not.toContain(REFUSED);
    },
  );

  it("with another tokenizer alone, interrupted anywhere: is one of the two, or no model", async () => {
    const tokenizer = { "tokenizer.json": textBytes('{"version":2}') };
    const found = await interrupted(open, modelOf(1, 1, 1), { ...modelOf(2, 1, 1), ...tokenizer });
    expect(new Set(found)).toEqual(new Set([1, REFUSED, 2]));
  });

  it("without room for the new one stays as it was", async () => {
    const { folder, read } = open();
    const old = modelOf(1, 1);
    await saveIntoFolder(old, folder);
    const full: ModelFolder = {
      ...folder,
      async stage(name, content) {
        if (name.endsWith(".index.json")) throw new DOMException("no room", "QuotaExceededError");
        return folder.stage(name, content);
      },
    };
    await expect(saveIntoFolder(modelOf(2, 3), full)).rejects.toThrow("no room");
    expect(await read()).toEqual(old);
    expect([...(await folder.list())].sort()).toEqual(Object.keys(old).sort());
  });

  it("leaves the files of others alone", async () => {
    const { folder } = open();
    await (await folder.stage("README.md", textBytes("mine"))).publish();
    await (await folder.stage("model.fp16-00001-of-00002.safetensors", textBytes("mine"))).publish();
    await saveIntoFolder(modelOf(1, 3), folder);
    await saveIntoFolder(modelOf(1, 1), folder);
    expect(await folder.list()).toEqual(
      expect.arrayContaining(["README.md", "model.fp16-00001-of-00002.safetensors"]),
    );
  });
});
