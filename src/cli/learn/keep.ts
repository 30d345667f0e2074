// A trained model as the page ships it, with the recipe that made it.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { ModelFiles } from "../../types.js";

const MODELS = join(fileURLToPath(new URL("../../../", import.meta.url)), "demo/public/models");

/** Where the page's model of that name lies. */
export const folderOf = (name: string): string => join(MODELS, name);

/** Writes the files and recipe.json into the page's folder of that name. */
export async function keepModel(name: string, files: ModelFiles, recipe: object): Promise<void> {
  await mkdir(folderOf(name), { recursive: true });
  for (const [file, bytes] of Object.entries(files)) await writeFile(join(folderOf(name), file), bytes);
  const date = new Date().toISOString().slice(0, 10);
  await addToModel(name, "recipe.json", { date, ...recipe });
}

/** Writes a JSON file beside a model that is there. */
export async function addToModel(name: string, file: string, content: object): Promise<void> {
  await writeFile(join(folderOf(name), file), `${JSON.stringify(content, null, 2)}\n`);
}
