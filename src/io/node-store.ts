// Checkpoints in a folder, for Node. Kept apart so that no browser bundle ever sees node:fs.
import { randomUUID } from "node:crypto";
import { link, mkdir, open, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { LockedError } from "../errors.js";
import { type CheckpointDirectory, type CheckpointStore, checkpointStore } from "./checkpoint-store.js";

const LOCK = "writer.lock";

/** The store in this folder; made when first written to. */
export function openNodeStore(folder: string): CheckpointStore {
  return checkpointStore(nodeDirectory(folder));
}

/** The file operations of a store in a folder. */
export function nodeDirectory(folder: string): CheckpointDirectory {
  const home = resolve(folder);
  const at = (path: string) => join(home, path);
  return {
    list: async () => (await readdir(home).catch(ifMissing)) ?? [],
    async read(path) {
      const bytes = await readFile(at(path)).catch(ifMissing);
      return bytes && new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength); // a Buffer slices differently
    },
    async write(path, bytes) {
      await mkdir(dirname(at(path)), { recursive: true });
      const file = await open(at(path), "w");
      try {
        await file.writeFile(bytes);
        await file.sync();
      } finally {
        await file.close();
      }
      await syncFolder(dirname(at(path)));
    },
    async rename(from, to) {
      await rename(at(from), at(to));
      await syncFolder(home);
    },
    remove: (path) => rm(at(path), { recursive: true, force: true }),
    async lock() {
      await mkdir(home, { recursive: true });
      await takeLock(at(LOCK), home);
      return () => rm(at(LOCK), { force: true });
    },
  };
}

/** Makes new names in a folder survive a power cut. Windows cannot open folders and does not need it. */
async function syncFolder(path: string): Promise<void> {
  if (process.platform === "win32") return;
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** A file that names the writing process; one whose process is gone does not count. */
async function takeLock(path: string, home: string): Promise<void> {
  const draft = `${path}.${randomUUID()}`; // linked into place complete: nobody sees a lock without an owner
  await writeFile(draft, String(process.pid));
  try {
    while (!(await linkNew(draft, path))) await removeStaleLock(path, home);
  } finally {
    await rm(draft, { force: true });
  }
}

async function linkNew(draft: string, path: string): Promise<boolean> {
  try {
    await link(draft, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

/** @throws LockedError where the owner still runs */
async function removeStaleLock(path: string, home: string): Promise<void> {
  const owner = Number((await readFile(path, "utf8").catch(ifMissing)) ?? Number.NaN);
  if (owner > 0 && isRunning(owner)) {
    throw new LockedError(
      `Process ${owner} is writing checkpoints in ${home}: stop it, use another folder, or remove ${path} if it is not ours.`,
      { pid: owner },
    );
  }
  await rm(path, { force: true });
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM"; // it runs under another user
  }
}

function ifMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code === "ENOENT") return undefined;
  throw error;
}
