import { describe, expect, it } from "vitest";
import type { CheckpointDirectory } from "../../src/io/checkpoint-store.js";
import { memoryDirectory } from "../../src/io/memory-store.js";
import { modelCache } from "../../src/io/model-cache.js";
import { Random } from "../../src/random.js";

const URL = "https://models.test/a/model.safetensors";
const FILE = { bytes: Uint8Array.from({ length: 500 }, (_, i) => i), validator: '"one"' };

describe("modelCache", () => {
  it("gives back what it was given, by address, until it is cleared", async () => {
    const directory = memoryDirectory();
    const cache = modelCache(directory);
    expect(await cache.get(URL)).toBeUndefined();
    await cache.put(URL, FILE);
    expect(await modelCache(directory).get(URL)).toEqual(FILE);
    expect(await cache.get(`${URL}?x`)).toBeUndefined();
    const newer = { bytes: Uint8Array.of(1), validator: '"two"' };
    await cache.put(URL, newer);
    expect(await cache.get(URL)).toEqual(newer);
    await directory.write("not ours", Uint8Array.of(1));
    await cache.clear();
    expect(await directory.list()).toEqual(["not ours"]);
  });

  it("notices every changed bit and removes the file: 200 of 200", async () => {
    const random = new Random(2);
    for (let i = 0; i < 200; i++) {
      const directory = memoryDirectory();
      const cache = modelCache(directory);
      await cache.put(URL, FILE);
      const names = await directory.list();
      const name = names[i % names.length]!;
      const bytes = (await directory.read(name))!;
      bytes[random.below(bytes.length)]! ^= 1 << random.below(8);
      await directory.write(name, bytes);
      const found = await cache.get(URL);
      if (found)
        expect(found.bytes, `changed ${name}`).toEqual(FILE.bytes); // a note may change where nothing depends on it
      else expect(await directory.list()).toEqual([]);
      if (name.endsWith(".data")) expect(found).toBeUndefined();
    }
  });

  it("holds the old file or none, wherever the writing stops", async () => {
    const newer = { bytes: new Uint8Array(300).fill(7), validator: '"two"' };
    for (let allowed = 0; ; allowed++) {
      const directory = memoryDirectory();
      await modelCache(directory).put(URL, FILE);
      let left = allowed;
      const power = async <T>(work: () => Promise<T>): Promise<T> => {
        if (left-- <= 0) throw new Error("power cut");
        return work();
      };
      const failing: CheckpointDirectory = {
        ...directory,
        write: (path, bytes) =>
          power(() => directory.write(path, bytes)).catch(async (error) => {
            await directory.write(path, bytes.subarray(0, bytes.length / 2)); // half of it is there
            throw error;
          }),
        rename: (from, to) => power(() => directory.rename(from, to)),
        remove: (path) => power(() => directory.remove(path)),
      };
      const done = await modelCache(failing)
        .put(URL, newer)
        .then(
          () => true,
          () => false,
        );
      const found = await modelCache(directory).get(URL);
      expect([undefined, FILE.bytes, newer.bytes], `after ${allowed} operations`).toContainEqual(
        found?.bytes,
      );
      if (done && left > 0) return;
    }
  });

  it("makes room by removing other files, and says so where that is not enough", async () => {
    const directory = memoryDirectory();
    const room = 1200;
    const full: CheckpointDirectory = {
      ...directory,
      async write(path, bytes) {
        let used = bytes.length;
        for (const name of await directory.list()) used += (await directory.read(name))!.length;
        if (used > room) throw new DOMException("The quota has been exceeded.", "QuotaExceededError");
        await directory.write(path, bytes);
      },
    };
    const cache = modelCache(full);
    await cache.put(URL, FILE);
    await cache.put(`${URL}2`, FILE);
    expect(await cache.get(URL)).toBeUndefined();
    expect(await cache.get(`${URL}2`)).toEqual(FILE);
    const huge = { ...FILE, bytes: new Uint8Array(room + 1) };
    await expect(cache.put(`${URL}3`, huge)).rejects.toMatchObject({ name: "QuotaExceededError" });
    expect(await cache.get(`${URL}3`)).toBeUndefined();
    expect(await directory.list()).toEqual([]);
  });
});
