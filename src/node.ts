// For Node: the same API, WebGPU from the npm package `webgpu` (Dawn), models in folders.
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { CheckpointError, WebGPUUnavailableError } from "./errors.js";
import type { ModelFolder } from "./io/model-folder.js";
import { nodeDirectory, openNodeStore } from "./io/node-store.js";
import { UNFINISHED } from "./io/unfinished.js";
import { hostOptions } from "./open-model.js";
import type { ModelFiles } from "./types.js";

export * from "./index.js";

export interface NodeOptions {
  /**
   * Folder under which `train({ checkpoint: name })` keeps its checkpoints, and `train({ tune: true })`, in .tuning, what it
   * found fastest; default "checkpoints".
   */
  readonly checkpoints?: string | undefined;
  /** Dawn's flags, such as "backend=vulkan". */
  readonly flags?: readonly string[] | undefined;
}

/**
 * Gives Node what a browser has: `navigator.gpu`, the GPU constants, and a place for checkpoints. Call it once, before a
 * model is made. A `navigator.gpu` that is there already is kept.
 * @throws {WebGPUUnavailableError} where the package `webgpu` is not installed or does not load
 */
export async function prepareNode({
  checkpoints = "checkpoints",
  flags = [],
}: NodeOptions = {}): Promise<void> {
  hostOptions.openStore = async (name) => openNodeStore(join(checkpoints, name));
  hostOptions.openChoices = async () => nodeDirectory(join(checkpoints, ".tuning"));
  if (globalThis.navigator?.gpu) return;
  const dawn = await import("webgpu").catch((error: unknown) => {
    throw new WebGPUUnavailableError(
      `Node has no WebGPU of its own, and the package webgpu did not load (${error}): npm install webgpu`,
      { reason: "no-webgpu" },
    );
  });
  Object.assign(globalThis, dawn.globals);
  const gpu = dawn.create([...flags]); // its devices die with it, so it lives as long as the process
  if (globalThis.navigator) {
    Object.defineProperty(navigator, "gpu", { configurable: true, value: gpu });
  } else {
    Object.defineProperty(globalThis, "navigator", { configurable: true, value: { gpu } }); // Node 20 has none
  }
}

/** Saves into a folder, which is made where it is missing: `await model.save(intoFolder("my-model"))`. */
export function intoFolder(folder: string): ModelFolder {
  const directory = nodeDirectory(folder);
  return {
    list: directory.list,
    read: directory.read,
    async stage(name, content) {
      const aside = name + UNFINISHED;
      const discard = () => directory.remove(aside);
      try {
        await directory.write(aside, content);
      } catch (error) {
        await discard();
        throw error;
      }
      return { publish: () => directory.rename(aside, name), discard };
    },
    remove: directory.remove,
  };
}

/**
 * The files of a saved model: `await Reformer.load(await fromFolder("my-model"))`.
 * @throws {CheckpointError} where there is no such folder
 */
export async function fromFolder(folder: string): Promise<ModelFiles> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
    throw new CheckpointError(`No model can be read from the folder ${folder}: ${error}`, { folder });
  });
  const files: Record<string, Uint8Array<ArrayBuffer>> = {};
  for (const entry of entries) {
    if (!entry.isFile() || entry.name.endsWith(UNFINISHED)) continue;
    const content = new Uint8Array(await readFile(join(folder, entry.name)));
    if (content.length > 0) files[entry.name] = content; // a browser's save that was interrupted may leave an empty one
  }
  return files;
}
