// Checkpoints in the browser's private file system (OPFS): on the page or in a worker, kept until the site's data is
// cleared. One folder per name, one writer among all tabs.
import { CheckpointError, LockedError } from "../errors.js";
import { type CheckpointDirectory, type CheckpointStore, checkpointStore } from "./checkpoint-store.js";
import { isPlainName } from "./zip.js";

const ROOT = "webgpu-reformer";

/** What the DOM types do not know: moving within a folder (Chrome, Firefox, Safari 26). */
interface MovableFile extends FileSystemFileHandle {
  move?(name: string): Promise<void>;
}

/**
 * The store of this name; made when first written to.
 * @throws CheckpointError where the browser has no private file system (old, or a private window)
 */
export async function openOpfsStore(name: string): Promise<CheckpointStore> {
  return checkpointStore(await opfsDirectory(name));
}

/** Names of all stores that hold something. */
export async function listOpfsStores(): Promise<string[]> {
  const names: string[] = [];
  for await (const [name, handle] of await rootFolder()) if (handle.kind === "directory") names.push(name);
  return names.sort();
}

/** Removes a store, whoever made it. @throws LockedError where it is being written */
export async function removeOpfsStore(name: string): Promise<void> {
  const directory = await opfsDirectory(name);
  const release = await directory.lock();
  try {
    await (await rootFolder()).removeEntry(name, { recursive: true }).catch(ifMissing);
  } finally {
    await release();
  }
}

/** The file operations of a store in OPFS, in a folder of the folder `top`. */
export async function opfsDirectory(name: string, top = ROOT): Promise<CheckpointDirectory> {
  if (!isPlainName(name)) {
    throw new CheckpointError(
      `${JSON.stringify(name)} cannot name a checkpoint: use letters, digits, ".", "-" and "_".`,
    );
  }
  const root = await rootFolder(top);
  const home = (create: boolean) => root.getDirectoryHandle(name, { create });

  /** The folder and last part of a path. */
  const locate = async (path: string, create: boolean): Promise<[FileSystemDirectoryHandle, string]> => {
    const parts = path.split("/");
    let folder = await home(create);
    for (const part of parts.slice(0, -1)) folder = await folder.getDirectoryHandle(part, { create });
    return [folder, parts.at(-1) as string];
  };

  return {
    async list() {
      const names: string[] = [];
      for await (const entry of (await home(true)).keys()) names.push(entry);
      return names;
    },
    async read(path) {
      try {
        const [folder, file] = await locate(path, false);
        return new Uint8Array(await (await (await folder.getFileHandle(file)).getFile()).arrayBuffer());
      } catch (error) {
        return ifMissing(error);
      }
    },
    async write(path, bytes) {
      const [folder, file] = await locate(path, true);
      await writeFile(await folder.getFileHandle(file, { create: true }), bytes);
    },
    async rename(from, to) {
      const folder = await home(false);
      const source: MovableFile = await folder.getFileHandle(from);
      if (source.move) return source.move(to);
      // A file written through createWritable appears under its name only when it is closed: also one step.
      const bytes = new Uint8Array(await (await source.getFile()).arrayBuffer());
      await writeFile(await folder.getFileHandle(to, { create: true }), bytes);
      await folder.removeEntry(from);
    },
    async remove(path) {
      try {
        const [folder, file] = await locate(path, false);
        await folder.removeEntry(file, { recursive: true });
      } catch (error) {
        ifMissing(error);
      }
    },
    lock: () => lockName(`${top}/${name}`, name),
  };
}

async function rootFolder(top = ROOT): Promise<FileSystemDirectoryHandle> {
  try {
    return await (await navigator.storage.getDirectory()).getDirectoryHandle(top, { create: true });
  } catch (error) {
    throw new CheckpointError(
      `This browser keeps no files for this page (${(error as Error).message}): use a current browser and no private window, or download the checkpoint instead.`,
    );
  }
}

async function writeFile(handle: FileSystemFileHandle, bytes: Uint8Array): Promise<void> {
  const stream = await handle.createWritable();
  try {
    await stream.write(bytes as Uint8Array<ArrayBuffer>);
  } catch (error) {
    await stream.abort();
    throw error;
  }
  await stream.close();
}

function ifMissing(error: unknown): undefined {
  if ((error as Error).name === "NotFoundError") return undefined;
  throw error;
}

/** Holds a Web Lock, which the browser also frees when the tab or worker ends. */
function lockName(lock: string, name: string): Promise<() => Promise<void>> {
  return new Promise((resolve, reject) => {
    const held = navigator.locks.request(lock, { ifAvailable: true }, (granted) => {
      if (!granted) {
        throw new LockedError(
          `Another tab or worker is writing the checkpoint "${name}": stop it there, or use another name.`,
          { name },
        );
      }
      return new Promise<void>((release) => {
        resolve(async () => {
          release();
          await held;
        });
      });
    });
    held.catch(reject);
  });
}
