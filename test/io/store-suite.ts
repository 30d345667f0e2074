import { describe, expect, it } from "vitest";
import { CheckpointError, LockedError } from "../../src/errors.js";
import { type CheckpointDirectory, checkpointStore } from "../../src/io/checkpoint-store.js";
import { MANIFEST } from "../../src/io/manifest.js";
import { faultyDirectory, MOMENTS } from "./faulty-directory.js";

export const checkpoint = (step: number) =>
  new Map([
    ["model.safetensors", Uint8Array.from({ length: 64 }, (_, i) => i * step)],
    ["training.json", new TextEncoder().encode(JSON.stringify({ step }))],
    ["empty.json", new Uint8Array(0)],
  ]);

const sorted = (files: ReadonlyMap<string, Uint8Array> | undefined) => files && new Map([...files].sort());
const expected = (step: number) => sorted(checkpoint(step));

/** What every kind of store must do. `make` gives an empty directory; `sameAgain` opens one anew, as after a crash. */
export function storeSuite(
  kind: string,
  make: () => Promise<{ directory: CheckpointDirectory; sameAgain: () => Promise<CheckpointDirectory> }>,
): void {
  describe(`checkpointStore on ${kind}`, () => {
    it("has nothing at first", async () => {
      const store = checkpointStore((await make()).directory);
      expect(await store.load()).toBeUndefined();
      expect(await store.load("previous")).toBeUndefined();
    });

    it("gives back the last checkpoint and the one before, and keeps no third", async () => {
      const { directory } = await make();
      const store = checkpointStore(directory);
      for (const step of [1, 2, 3]) expect(await store.save(checkpoint(step))).toBe(step);
      expect(sorted(await store.load())).toEqual(expected(3));
      expect(sorted(await store.load("previous"))).toEqual(expected(2));
      await store.close();
      const names = (await directory.list()).filter((name) => name !== "writer.lock");
      expect([...names].sort()).toEqual(["generation-2", "generation-3", MANIFEST]);
    });

    it("a crash at any step of saving leaves the previous checkpoint or the new one, and the next save works", async () => {
      const counting = faultyDirectory((await make()).directory, -1, "before");
      const dry = checkpointStore(counting);
      for (const step of [1, 2]) await dry.save(checkpoint(step));
      const before = counting.changes();
      await dry.save(checkpoint(3));
      const changes = counting.changes() - before;
      await dry.close();
      let kept = 0;
      for (let failAt = 0; failAt < changes; failAt++) {
        for (const moment of MOMENTS) {
          const { directory, sameAgain } = await make();
          const first = checkpointStore(directory);
          for (const step of [1, 2]) await first.save(checkpoint(step));
          await first.close();
          const faulty = faultyDirectory(directory, failAt, moment);
          const crashing = checkpointStore(faulty);
          const error = await crashing.save(checkpoint(3)).catch((thrown) => thrown);
          expect(error).toBeInstanceOf(CheckpointError);
          expect(error.message).toContain("power cut");
          await crashing.close(); // the system frees a dead process's lock
          const after = checkpointStore(await sameAgain());
          const files = sorted(await after.load());
          const isNew = files?.get("training.json")?.join() === expected(3)?.get("training.json")?.join();
          expect(files, `${moment} change ${failAt}`).toEqual(expected(isNew ? 3 : 2));
          if (!isNew) kept++;
          await after.save(checkpoint(4));
          expect(sorted(await after.load())).toEqual(expected(4));
          expect(sorted(await after.load("previous"))).toEqual(expected(isNew ? 3 : 2));
          await after.close();
        }
      }
      // remove, 3 files, manifest, rename, remove the oldest: the old one counts until the rename has happened.
      expect(changes).toBe(7);
      expect(kept).toBe(5 * MOMENTS.length + 2);
    });

    it("names the file in which a byte changed, and still has the checkpoint before", async () => {
      const { directory } = await make();
      const store = checkpointStore(directory);
      for (const step of [1, 2]) await store.save(checkpoint(step));
      for (const name of ["model.safetensors", "training.json"]) {
        const path = `generation-2/${name}`;
        const good = (await directory.read(path))!;
        for (let at = 0; at < good.length; at += 7) {
          const bad = good.slice();
          bad[at]! ^= 1 << (at % 8);
          await directory.write(path, bad);
          const error = await store.load().catch((thrown) => thrown);
          expect(error).toBeInstanceOf(CheckpointError);
          expect(error.details).toEqual({ file: name, generation: 2, previous: true });
        }
        await directory.write(path, good.subarray(1));
        await expect(store.load()).rejects.toThrow(`${name} of checkpoint 2 has ${good.length - 1} bytes`);
        await directory.remove(path);
        await expect(store.load()).rejects.toThrow(`${name} of checkpoint 2 is missing`);
        await directory.write(path, good);
      }
      expect(sorted(await store.load("previous"))).toEqual(expected(1));
      expect(sorted(await store.load())).toEqual(expected(2));
      await store.close();
    });

    it("notices a change of any byte of the manifest, when loading and before writing", async () => {
      const { directory } = await make();
      const store = checkpointStore(directory);
      for (const step of [1, 2]) await store.save(checkpoint(step));
      const good = (await directory.read(MANIFEST))!;
      const random = [...good.keys()].filter((at) => at % 5 === 0 || good[at] === 0x20 || good[at] === 0x0a);
      for (const at of random.filter((_, i) => kind === "memory" || i % 8 === 0)) {
        for (const bit of kind === "memory" ? [0, 1, 2, 3, 4, 5, 6, 7] : [at % 8]) {
          const bad = good.slice();
          bad[at]! ^= 1 << bit;
          await directory.write(MANIFEST, bad);
          const error = await store.load().catch((thrown) => thrown);
          expect(error, `bit ${bit} of byte ${at}`).toBeInstanceOf(CheckpointError);
          expect(error.details).toEqual({ file: MANIFEST });
        }
      }
      await expect(store.save(checkpoint(3))).rejects.toThrow(CheckpointError);
      await expect(store.lock()).rejects.toThrow(CheckpointError);
      await directory.write(MANIFEST, good);
      expect(sorted(await store.load())).toEqual(expected(2));
      await store.close();
    });

    it("has one writer at a time; readers are free; close lets the next one write", async () => {
      const { directory, sameAgain } = await make();
      const first = checkpointStore(directory);
      await first.save(checkpoint(1));
      const second = checkpointStore(await sameAgain());
      await expect(second.lock()).rejects.toThrow(LockedError);
      await expect(second.save(checkpoint(2))).rejects.toThrow(LockedError);
      await expect(second.clear()).rejects.toThrow(LockedError);
      expect(sorted(await second.load())).toEqual(expected(1));
      await first.close();
      expect(await second.save(checkpoint(2))).toBe(2);
      await second.close();
    });

    it("takes calls in turn", async () => {
      const store = checkpointStore((await make()).directory);
      const all = await Promise.all([store.save(checkpoint(1)), store.save(checkpoint(2)), store.load()]);
      expect([all[0], all[1], sorted(all[2])]).toEqual([1, 2, expected(2)]);
      await store.close();
    });

    it("clear removes everything that is the store's, and only that", async () => {
      const { directory } = await make();
      const store = checkpointStore(directory);
      for (const step of [1, 2]) await store.save(checkpoint(step));
      await directory.write("notes.txt", Uint8Array.of(1));
      await store.clear();
      await store.close();
      expect(await store.load()).toBeUndefined();
      expect((await directory.list()).filter((name) => name !== "writer.lock")).toEqual(["notes.txt"]);
    });

    it("refuses file names that are paths", async () => {
      const store = checkpointStore((await make()).directory);
      for (const name of ["../up", "a/b", "", ".hidden", MANIFEST]) {
        await expect(store.save(new Map([[name, new Uint8Array(1)]]))).rejects.toThrow(CheckpointError);
      }
      await store.close();
    });
  });
}
