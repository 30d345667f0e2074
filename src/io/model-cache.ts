// Downloaded files, kept for the next visit: each as its bytes and a note with its address, validator and SHA-256. The
// bytes are renamed into place before the note is, and the note's checksum decides: whatever was cut or damaged is
// removed and counts as not there.
import { sha256, textBytes } from "./bytes.js";
import type { CheckpointDirectory } from "./checkpoint-store.js";
import { opfsDirectory } from "./opfs-store.js";

export interface CachedFile {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** As when it was downloaded. */
  readonly validator: string;
}

export interface ModelCache {
  /** A kept file, every byte checked; undefined where there is none. */
  get(url: string): Promise<CachedFile | undefined>;
  /**
   * Keeps a file. Where there is no room, all others are removed first.
   * @throws what the directory throws, such as a QuotaExceededError; the file is not kept then
   */
  put(url: string, file: CachedFile): Promise<void>;
  /** Removes one file, if it is there. */
  remove(url: string): Promise<void>;
  /** Removes all files. */
  clear(): Promise<void>;
}

interface Note {
  readonly url: string;
  readonly validator: string;
  readonly bytes: number;
  readonly sha256: string;
}

const UNFINISHED = ".new";

/** A cache over any directory. */
export function modelCache(directory: CheckpointDirectory): ModelCache {
  const keyOf = (url: string) => sha256(textBytes(url));

  const remove = async (key: string) => {
    await directory.remove(`${key}.json`); // first, so that no note is left alone
    await directory.remove(`${key}.data`);
  };
  const publish = async (name: string, bytes: Uint8Array) => {
    await directory.write(name + UNFINISHED, bytes);
    await directory.rename(name + UNFINISHED, name);
  };
  const clear = async () => {
    for (const name of await directory.list()) {
      if (/^[0-9a-f]{64}\.(json|data)(\.new)?$/.test(name)) await directory.remove(name);
    }
  };

  return {
    async get(url) {
      const key = await keyOf(url);
      const written = await directory.read(`${key}.json`);
      if (!written) return undefined;
      const note = readNote(written);
      const bytes = await directory.read(`${key}.data`);
      const sound =
        note?.url === url && bytes?.length === note.bytes && (await sha256(bytes)) === note.sha256;
      if (sound) return { bytes: bytes as Uint8Array<ArrayBuffer>, validator: note.validator };
      await remove(key);
      return undefined;
    },
    async put(url, { bytes, validator }) {
      const key = await keyOf(url);
      const note: Note = { url, validator, bytes: bytes.length, sha256: await sha256(bytes) };
      const write = async () => {
        await remove(key);
        await publish(`${key}.data`, bytes);
        await publish(`${key}.json`, textBytes(JSON.stringify(note)));
      };
      const release = await directory.lock();
      try {
        await write().catch(async () => {
          await clear();
          await write();
        });
      } catch (error) {
        await remove(key);
        await directory.remove(`${key}.data${UNFINISHED}`);
        throw error;
      } finally {
        await release();
      }
    },
    remove: async (url) => remove(await keyOf(url)),
    clear,
  };
}

function readNote(bytes: Uint8Array): Note | undefined {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)) as Note;
  } catch {
    return undefined;
  }
}

/** The cache in the browser's private files; undefined where there are none, as in Node or a private window. */
export async function openModelCache(): Promise<ModelCache | undefined> {
  if (!globalThis.navigator?.storage?.getDirectory || !navigator.locks) return undefined;
  return opfsDirectory("models", "webgpu-reformer-downloads").then(modelCache, () => undefined);
}
