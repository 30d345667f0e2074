// Gives the page the bundled book as a file of its own, fetched only when someone trains on it:
//
//   import { book } from "virtual:book";     // { url, title, author, source, licence }
//   const text = await (await fetch(book.url)).text();
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { Plugin } from "vite";
import { BOOK, bookPath } from "../../src/cli/book.js";

const MODULE = "virtual:book";
const FILE = "book.txt";
/** By its path: pages of any folder may import the book. */
const COURSE_FILES = fileURLToPath(new URL("../course-files.ts", import.meta.url));

/**
 * Vite plugin: serves the book while developing, emits it as an asset when building.
 * @param folder of the asset, with a slash at its end
 */
export function bookPlugin(folder = ""): Plugin {
  let base = "/";
  return {
    name: "book",
    configResolved(config) {
      base = config.base;
    },
    resolveId: (id) => (id === MODULE ? `\0${MODULE}` : undefined),
    load: (id) =>
      id === `\0${MODULE}`
        ? `import { courseFile } from ${JSON.stringify(COURSE_FILES)};
export const book = { ...${JSON.stringify(BOOK)}, get url() { return courseFile("${FILE}"); } };`
        : undefined,
    configureServer(server) {
      server.middlewares.use(`${base}${FILE}`, (_request, response, next) => {
        readFile(bookPath()).then((bytes) => {
          response.setHeader("Content-Type", "text/plain; charset=utf-8");
          response.end(bytes);
        }, next);
      });
    },
    async generateBundle() {
      this.emitFile({ type: "asset", fileName: `${folder}${FILE}`, source: await readFile(bookPath()) });
    },
  };
}
