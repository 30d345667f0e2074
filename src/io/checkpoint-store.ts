// A place that keeps the last two checkpoints of one run. Saving never touches what the manifest names: the new files go
// to a folder of their own, then the manifest is replaced in one step, then folders it no longer names are removed.
// Whatever happens in between, the manifest names a complete checkpoint.
import { CheckpointError, ReformerError } from "../errors.js";
import {
  checkFiles,
  describeFiles,
  type Generation,
  MANIFEST,
  type Manifest,
  readManifest,
  writeManifest,
} from "./manifest.js";

/** The few file operations a store needs. Paths are "name" or "folder/name". */
export interface CheckpointDirectory {
  /** Names of the files and folders at the top. */
  list(): Promise<readonly string[]>;
  /** undefined where there is no such file. */
  read(path: string): Promise<Uint8Array | undefined>;
  /** Writes a whole file, making its folder; on the disk when it resolves. */
  write(path: string, bytes: Uint8Array): Promise<void>;
  /** Gives a top-level file another name, replacing what had it, in one step. */
  rename(from: string, to: string): Promise<void>;
  /** Removes a file, or a folder with its content; nothing where there is none. */
  remove(path: string): Promise<void>;
  /**
   * Makes this the only writer, until the returned function is called.
   * @throws LockedError where another tab or process is
   */
  lock(): Promise<() => Promise<void>>;
}

export type CheckpointFiles = ReadonlyMap<string, Uint8Array>;

export interface CheckpointStore {
  /**
   * Makes this the only writer; `save` and `clear` do it by themselves. Before a long run, so that it fails early.
   * @throws LockedError where another tab or process writes here; CheckpointError where the manifest is damaged
   */
  lock(): Promise<void>;
  /**
   * Saves a complete checkpoint and returns its number; keeps the one before.
   * @throws CheckpointError where it cannot be written (the saved ones stay as they were); LockedError
   */
  save(files: CheckpointFiles): Promise<number>;
  /**
   * The last checkpoint, or the one before it, every byte checked; undefined where there is none.
   * @throws CheckpointError naming the damaged file; `details.previous` says whether the one before can be tried
   */
  load(which?: "current" | "previous"): Promise<CheckpointFiles | undefined>;
  /** Removes all checkpoints. */
  clear(): Promise<void>;
  /** Lets others write. The store can be used again. */
  close(): Promise<void>;
}

const NEW_MANIFEST = "manifest.new.json";

function folderOf({ generation }: Pick<Generation, "generation">): string {
  return `generation-${generation}`;
}

/** A store over any directory: the browser's private files, a folder, or memory. */
export function checkpointStore(directory: CheckpointDirectory): CheckpointStore {
  let release: (() => Promise<void>) | undefined;
  let last: Promise<unknown> = Promise.resolve();
  /** One operation at a time, whatever became of the one before. */
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const turn = last.then(work, work);
    last = turn.catch(() => undefined);
    return turn;
  };

  const manifest = async (): Promise<Manifest | undefined> => {
    const bytes = await directory.read(MANIFEST);
    return bytes && readManifest(bytes);
  };
  const lock = async () => {
    release ??= await directory.lock();
  };
  const removeAllBut = async (keep: readonly string[]) => {
    for (const name of await directory.list()) {
      const ours = name === MANIFEST || name === NEW_MANIFEST || /^generation-\d+$/.test(name);
      if (ours && !keep.includes(name)) await directory.remove(name);
    }
  };

  const save = async (files: CheckpointFiles): Promise<number> => {
    await lock();
    const old = (await manifest())?.current ?? null;
    const current = await describeFiles((old?.generation ?? 0) + 1, files);
    const folder = folderOf(current);
    await directory.remove(folder); // an attempt that did not finish may have left files there
    for (const [name, bytes] of files) await directory.write(`${folder}/${name}`, bytes);
    await directory.write(NEW_MANIFEST, await writeManifest({ current, previous: old }));
    await directory.rename(NEW_MANIFEST, MANIFEST);
    await removeAllBut([MANIFEST, folder, ...(old ? [folderOf(old)] : [])]);
    return current.generation;
  };

  const load = async (which: "current" | "previous"): Promise<CheckpointFiles | undefined> => {
    const found = await manifest();
    const generation = found?.[which];
    if (!generation) return undefined;
    const files = new Map<string, Uint8Array>();
    for (const name of Object.keys(generation.files)) {
      const bytes = await directory.read(`${folderOf(generation)}/${name}`);
      if (bytes) files.set(name, bytes);
    }
    try {
      await checkFiles(generation, files);
    } catch (error) {
      // Another tab may have saved twice since the manifest was read, and removed this one.
      if ((await manifest())?.current.generation !== found.current.generation) return load(which);
      if (!(error instanceof CheckpointError)) throw error;
      const previous = which === "current" && found.previous !== null;
      throw new CheckpointError(error.message, { ...error.details, previous });
    }
    return files;
  };

  return {
    lock: () =>
      inTurn(async () => {
        await lock();
        await manifest();
      }),
    save: (files) =>
      inTurn(() => save(files)).catch((error: Error) => {
        if (error instanceof ReformerError) throw error;
        const total = [...files.values()].reduce((sum, bytes) => sum + bytes.length, 0);
        throw new CheckpointError(
          `The checkpoint of ${total} bytes could not be saved (${error.name}: ${error.message}). The ones saved before are intact: free some space, or download the checkpoint.`,
          { bytes: total },
        );
      }),
    load: (which = "current") => inTurn(() => load(which)),
    clear: () =>
      inTurn(async () => {
        await lock();
        await directory.remove(MANIFEST); // first, so that no manifest ever names removed files
        await removeAllBut([]);
      }),
    close: () =>
      inTurn(async () => {
        await release?.();
        release = undefined;
      }),
  };
}
