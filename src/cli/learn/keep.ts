// A trained model as the page ships it, with the recipe that made it.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { ModelFiles } from "../../types.js";

const MODELS = join(fileURLToPath(new URL("../../../", import.meta.url)), "demo/public/models");

/** Writes the files and recipe.json into the page's folder of that name. */
export async function keepModel(name: string, files: ModelFiles, recipe: object): Promise<void> {
  const folder = join(MODELS, name);
  await mkdir(folder, { recursive: true });
  for (const [file, bytes] of Object.entries(files)) await writeFile(join(folder, file), bytes);
  const date = new Date().toISOString().slice(0, 10);
  await writeFile(join(folder, "recipe.json"), `${JSON.stringify({ date, ...recipe }, null, 2)}\n`);
}
