// A trained model as the page ships it: weights in half precision, and the recipe that made it.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { SAFETENSORS } from "../../io/model-files.js";
import { makeTensor, readSafetensors, tensorFloats, writeSafetensors } from "../../io/safetensors.js";
import type { ModelFiles } from "../../types.js";

const MODELS = join(fileURLToPath(new URL("../../../", import.meta.url)), "demo/public/models");

/** The same files with the weights rounded to half precision. */
export function halved(files: ModelFiles): ModelFiles {
  const { tensors, metadata } = readSafetensors(files[SAFETENSORS] as Uint8Array);
  const rounded = [...tensors].map(
    ([name, tensor]) => [name, makeTensor(tensor.shape, tensorFloats(tensor, name), "F16")] as const,
  );
  return { ...files, [SAFETENSORS]: writeSafetensors(new Map(rounded), metadata) };
}

/** Writes the files and recipe.json into the page's folder of that name. */
export async function keepModel(name: string, files: ModelFiles, recipe: object): Promise<void> {
  const folder = join(MODELS, name);
  await mkdir(folder, { recursive: true });
  for (const [file, bytes] of Object.entries(files)) await writeFile(join(folder, file), bytes);
  const date = new Date().toISOString().slice(0, 10);
  await writeFile(join(folder, "recipe.json"), `${JSON.stringify({ date, ...recipe }, null, 2)}\n`);
}
