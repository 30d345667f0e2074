import { describe, expect, it } from "vitest";
import { CheckpointError } from "../../src/errors.js";
import {
  checkpointFromZip,
  checkpointToZip,
  memoryDirectory,
  memoryStore,
  memoryStores,
} from "../../src/io/memory-store.js";
import { checkpoint, storeSuite } from "./store-suite.js";

storeSuite("memory", async () => {
  const directory = memoryDirectory();
  return { directory, sameAgain: async () => directory };
});

describe("memoryStore", () => {
  it("keeps its own copy of what it is given and of what it gives", async () => {
    const store = memoryStore();
    const files = checkpoint(1);
    await store.save(files);
    files.get("model.safetensors")!.fill(9);
    (await store.load())!.get("model.safetensors")!.fill(8);
    expect(await store.load()).toEqual(new Map([...checkpoint(1)].sort()));
  });
});

describe("checkpointToZip, checkpointFromZip", () => {
  it("gives the files back, and the same zip for the same files", async () => {
    const zip = await checkpointToZip(checkpoint(1));
    expect(await checkpointFromZip(zip)).toEqual(checkpoint(1));
    expect(await checkpointToZip(checkpoint(1))).toEqual(zip);
  });

  it("after any changed byte either refuses or gives the same files", async () => {
    const zip = await checkpointToZip(checkpoint(1));
    let refused = 0;
    for (let at = 0; at < zip.length; at++) {
      const bad = zip.slice();
      bad[at]! ^= 1 << (at % 8);
      try {
        expect(await checkpointFromZip(bad)).toEqual(checkpoint(1));
      } catch (error) {
        expect(error).toBeInstanceOf(CheckpointError);
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(zip.length / 2);
  });

  it("refuses a zip without a manifest", async () => {
    await expect(checkpointFromZip(new Uint8Array(100))).rejects.toThrow(CheckpointError);
  });
});

it("memoryStores() opens the same files under the same name, once the writer before has closed them", async () => {
  const open = memoryStores();
  const files = checkpoint(1);
  const first = open("memory:run");
  await first.lock();
  await first.save(files);
  await first.close();
  const again = open("memory:run");
  await again.lock();
  expect(await again.load()).toEqual(files);
  expect(await open("memory:other").load()).toBeUndefined();
});
