// Case files on disk.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { ReadFile } from "./folder.js";

/** Files below a folder. */
export function filesOf(folder: string): ReadFile {
  return async (path) => {
    try {
      const bytes = await readFile(join(folder, path));
      return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw error;
    }
  };
}
