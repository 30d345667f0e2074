// A model saved into a folder that may hold one already. In the end it holds one: weights that an earlier save left under
// other names are removed. Whenever it is interrupted, the weights of the one or of the other are there, whole, and are
// what a reader takes: new parts never overwrite those of the old index, and a file takes its name in a single step.
//
// Settings and weights do not change in one step. Where the settings are others, config.json is taken away before the first
// file of the new model can be read, and comes back last: in between no reader finds a model there, not even a wrong one.
import type { ModelFiles } from "../types.js";
import { textBytes } from "./bytes.js";
import { UNFINISHED } from "./unfinished.js";

/** The few file operations that saving a model needs. */
export interface ModelFolder {
  /** Names of what is in it; none where there is no such folder yet. */
  list(): Promise<readonly string[]>;
  /** Undefined where there is no such file. */
  read(name: string): Promise<Uint8Array | undefined>;
  /** Writes a whole file aside, making the folder. */
  stage(name: string, content: Uint8Array<ArrayBuffer>): Promise<StagedFile>;
  /** Nothing where there is no such file. */
  remove(name: string): Promise<void>;
}

/** A file that has been written, but has not its name yet. */
export interface StagedFile {
  /** Gives it its name in a single step, replacing what had it. */
  publish(): Promise<void>;
  /** Removes it; nothing where it has its name. */
  discard(): Promise<void>;
}

const CONFIG = "config.json";
const WHOLE = "model.safetensors";
const INDEX = `${WHOLE}.index.json`;
const PART = /^model(\.\d+)?-\d{5}-of-\d{5}\.safetensors$/;
/** What says which weights are to be read, in the order in which readers look for it. */
const HEADS: readonly string[] = [WHOLE, INDEX];

/**
 * Saves a model's files. All are written before the first takes its name, but for config.json, which may be taken away:
 * parts of weights first, then settings, then what says which weights are to be read.
 */
export async function saveIntoFolder(files: ModelFiles, folder: ModelFolder): Promise<void> {
  const there = await folder.list();
  const saved = besides(there, files);
  const old = there.filter((name) => isOfSave(name) && !Object.hasOwn(saved, name));
  const settings = await changedSettings(saved, folder);
  const staged: StagedFile[] = [];
  const stage = async (names: readonly string[]) => {
    const first = staged.length;
    for (const name of names) staged.push(await folder.stage(name, saved[name] as Uint8Array<ArrayBuffer>));
    return staged.slice(first);
  };
  const publish = async (ready: readonly StagedFile[]) => {
    for (const file of ready) await file.publish();
  };
  const names = Object.keys(saved);
  const config = settings.length > 0 ? [CONFIG] : [];
  try {
    const parts = await stage(names.filter((name) => PART.test(name)));
    const others = await stage(settings.filter((name) => name !== CONFIG));
    const heads = await stage(names.filter((name) => HEADS.includes(name)));
    await publish(parts);
    for (const name of config) await folder.remove(name);
    await publish(others);
    await publish(heads);
    for (const name of HEADS) if (old.includes(name)) await folder.remove(name);
    await publish(await stage(config));
  } catch (error) {
    for (const file of staged) await file.discard().catch(() => undefined); // the error is what the caller must know
    throw error;
  }
  for (const name of old) if (!HEADS.includes(name)) await folder.remove(name);
}

/** What is no weights and not in the folder as it is to be saved. */
async function changedSettings(files: ModelFiles, folder: ModelFolder): Promise<string[]> {
  const changed: string[] = [];
  for (const [name, content] of Object.entries(files)) {
    if (PART.test(name) || HEADS.includes(name)) continue;
    const found = await folder.read(name);
    if (found?.length !== content.length || found.some((byte, i) => byte !== content[i])) changed.push(name);
  }
  return changed;
}

/** Whether a file is of weights as `files()` names them, or what is left of one that was not written to its end. */
function isOfSave(name: string): boolean {
  return name.endsWith(UNFINISHED) || HEADS.includes(name) || PART.test(name);
}

/** The same files, with parts under names that the folder does not have yet: its index may list those that it has. */
function besides(there: readonly string[], files: ModelFiles): ModelFiles {
  const parts = Object.keys(files).filter((name) => PART.test(name));
  const named = (part: string, version: number) =>
    version === 1 ? part : part.replace("model-", `model.${version}-`);
  let version = 1;
  while (parts.some((part) => there.includes(named(part, version)))) version++;
  const index = files[INDEX];
  if (version === 1 || !index) return files;
  const saved: Record<string, Uint8Array<ArrayBuffer>> = {};
  for (const [name, content] of Object.entries(files)) {
    saved[parts.includes(name) ? named(name, version) : name] = content;
  }
  const { weight_map, ...rest } = JSON.parse(new TextDecoder().decode(index)) as {
    readonly weight_map: Readonly<Record<string, string>>;
  };
  const map = Object.fromEntries(
    Object.entries(weight_map).map(([tensor, part]) => [tensor, named(part, version)]),
  );
  saved[INDEX] = textBytes(`${JSON.stringify({ ...rest, weight_map: map }, null, 2)}\n`);
  return saved;
}

/** A folder that a person chose, or one of the browser's private files. */
export function chosenFolder(folder: FileSystemDirectoryHandle): ModelFolder {
  const remove = async (name: string) => {
    await folder.removeEntry(name).catch(ifMissing);
  };
  return {
    async list() {
      const names: string[] = [];
      for await (const name of folder.keys()) names.push(name);
      return names;
    },
    async read(name) {
      const file = await folder.getFileHandle(name).catch(ifMissing);
      return file && new Uint8Array(await (await file.getFile()).arrayBuffer());
    },
    async stage(name, content) {
      const existed = (await folder.getFileHandle(name).catch(ifMissing)) !== undefined;
      // A browser makes the file, empty (which readers here take for none), writes beside it, and replaces it when the
      // writer is closed.
      const writer = await (await folder.getFileHandle(name, { create: true })).createWritable();
      let published = false;
      const discard = async () => {
        if (published) return;
        await writer.abort().catch(() => undefined); // it may have failed by itself
        if (!existed) await remove(name);
      };
      try {
        await writer.write(content);
      } catch (error) {
        await discard();
        throw error;
      }
      return {
        async publish() {
          await writer.close();
          published = true;
        },
        discard,
      };
    },
    remove,
  };
}

function ifMissing(error: DOMException): undefined {
  if (error.name === "NotFoundError") return undefined;
  throw error;
}
