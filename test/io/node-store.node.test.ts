import { spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CheckpointError, LockedError } from "../../src/errors.js";
import { nodeDirectory, openNodeStore } from "../../src/io/node-store.js";
import { checkpoint, storeSuite } from "./store-suite.js";

let home = "";
let made = 0;
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "checkpoints-"));
});
afterAll(() => rm(home, { recursive: true }));
const newFolder = () => join(home, `run-${made++}`, "deep");

storeSuite("a folder", async () => {
  const folder = newFolder();
  return { directory: nodeDirectory(folder), sameAgain: async () => nodeDirectory(folder) };
});

describe("openNodeStore", () => {
  it("takes over the lock of a process that is gone, not that of one that runs", async () => {
    const folder = newFolder();
    const store = openNodeStore(folder);
    await store.lock();
    const lock = join(folder, "writer.lock");
    expect(await readFile(lock, "utf8")).toBe(String(process.pid));
    await expect(openNodeStore(folder).lock()).rejects.toThrow(LockedError);
    const gone = spawnSync(process.execPath, ["-e", ""]).pid;
    await writeFile(lock, String(gone));
    await openNodeStore(folder).lock();
    expect(await readFile(lock, "utf8")).toBe(String(process.pid));
  });

  it("a folder that cannot be made is a CheckpointError naming the bytes", async () => {
    const blocked = join(home, "blocked");
    await writeFile(blocked, "a file where a folder is needed");
    const error = await openNodeStore(join(blocked, "run"))
      .save(checkpoint(1))
      .catch((thrown) => thrown);
    expect(error).toBeInstanceOf(CheckpointError);
    expect(error.message).toMatch(/checkpoint of 74 bytes could not be saved/);
  });
});
