import { LockedError } from "../errors.js";
import { concatBytes } from "./bytes.js";
import {
  type CheckpointDirectory,
  type CheckpointFiles,
  type CheckpointStore,
  checkpointStore,
} from "./checkpoint-store.js";
import { checkFiles, describeFiles, MANIFEST, readManifest, writeManifest } from "./manifest.js";
import { readZip, zipParts } from "./zip.js";

/** Files in memory; they live as long as the object. */
export function memoryDirectory(): CheckpointDirectory {
  const files = new Map<string, Uint8Array>();
  let locked = false;
  return {
    list: async () => [...new Set([...files.keys()].map((path) => path.split("/")[0] as string))],
    read: async (path) => files.get(path)?.slice(),
    async write(path, bytes) {
      files.set(path, bytes.slice());
    },
    async rename(from, to) {
      const bytes = files.get(from);
      if (!bytes) throw new Error(`there is no ${from}`);
      files.set(to, bytes);
      files.delete(from);
    },
    async remove(path) {
      for (const name of [...files.keys()])
        if (name === path || name.startsWith(`${path}/`)) files.delete(name);
    },
    async lock() {
      if (locked) throw new LockedError("Another writer uses this store in memory: close it first.");
      locked = true;
      return async () => {
        locked = false;
      };
    },
  };
}

/** A store in memory, for pages that may not keep files and for tests. */
export function memoryStore(): CheckpointStore {
  return checkpointStore(memoryDirectory());
}

/** What names of checkpoints begin with that live in memory, as long as what opened them. */
export const IN_MEMORY = "memory:";

/** Opens stores in memory by name: the same name, the same files. */
export function memoryStores(): (name: string) => CheckpointStore {
  const directories = new Map<string, CheckpointDirectory>();
  return (name) => {
    const directory = directories.get(name) ?? memoryDirectory();
    directories.set(name, directory);
    return checkpointStore(directory);
  };
}

/** A checkpoint as one zip file with a manifest, in pieces: `new Blob(parts)` is the download. */
export async function checkpointZipParts(files: CheckpointFiles): Promise<Uint8Array<ArrayBuffer>[]> {
  const manifest = await writeManifest({ current: await describeFiles(1, files), previous: null });
  return zipParts(new Map([...files, [MANIFEST, manifest]]));
}

/** A checkpoint as one zip file; see `checkpointZipParts`. */
export async function checkpointToZip(files: CheckpointFiles): Promise<Uint8Array<ArrayBuffer>> {
  return concatBytes(await checkpointZipParts(files));
}

/**
 * The checkpoint in a zip file, every byte of its files checked.
 * @throws CheckpointError naming the file that is damaged or missing
 */
export async function checkpointFromZip(zip: Uint8Array): Promise<CheckpointFiles> {
  const files = readZip(zip);
  const manifest = files.get(MANIFEST) ?? new Uint8Array(0);
  files.delete(MANIFEST);
  const { current } = await readManifest(manifest);
  await checkFiles(current, files);
  return new Map([...files].filter(([name]) => Object.hasOwn(current.files, name)));
}
