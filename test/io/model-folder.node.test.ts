// A model saved over another: in the end the folder holds one, and whatever interrupts it, one of the two is whole.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { textBytes } from "../../src/io/bytes.js";
import { fetchModel, readWeights } from "../../src/io/model-files.js";
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
/** A model whose weights are all `value`, in so many parts. */
function modelOf(value: number, parts: number): ModelFiles {
  const tensors = new Map(
    TENSORS.map((name) => [name, makeTensor([4], new Float32Array(4).fill(value))] as const),
  );
  const shardBytes = { 1: undefined, 2: 32, 3: 16 }[parts];
  return {
    ...weightFiles(tensors, { shardBytes }),
    "config.json": textBytes('{"model_type":"reformer"}'),
    "tokenizer.json": textBytes("{}"),
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
      return { folder: intoFolder(path), read: () => fromFolder(path) };
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
    remove: (name) => guard(() => inner.remove(name)),
    stage: (name, content) =>
      guard(async () => {
        const staged = await inner.stage(name, content);
        return { publish: () => guard(staged.publish), discard: () => guard(staged.discard) };
      }),
    steps: () => step,
  };
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
    "of %i, saved over with %i, interrupted anywhere: one of the two is whole",
    async (before, after) => {
      const first = open();
      await saveIntoFolder(modelOf(1, before), first.folder);
      const counting = failing(first.folder, Number.POSITIVE_INFINITY, false);
      await saveIntoFolder(modelOf(2, after), counting);
      const found: number[] = [];
      for (let failAt = 0; failAt < counting.steps(); failAt++) {
        for (const done of [false, true]) {
          const { folder, read } = open();
          await saveIntoFolder(modelOf(1, before), folder);
          await expect(saveIntoFolder(modelOf(2, after), failing(folder, failAt, done))).rejects.toThrow(
            "cut",
          );
          found.push(await valueIn(await read()));
          await saveIntoFolder(modelOf(3, before), folder);
          expect(await valueIn(await read())).toBe(3);
          const names = (await folder.list()).filter((name) => name.includes("safetensors"));
          expect(names).toHaveLength(before === 1 ? 1 : before + 1);
        }
      }
      expect([...new Set(found)].every((value) => value === 1 || value === 2)).toBe(true);
      expect(found).toEqual([...found].sort()); // never back to the old one
    },
  );

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
