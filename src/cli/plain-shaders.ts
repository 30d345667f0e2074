// Shaders for builds: WGSL without what only people read. Development and tests keep the sources as they are.
import { readdirSync, readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Plugin } from "vite";
import { renamed, shortNames } from "./short-names.js";

/** What ends a line, and with it a `//` comment, in WGSL. */
const LINE_END = /[\n\v\f\r\u0085\u2028\u2029]/;

const IMPORT = ".wgsl?raw";
const SHADERS = fileURLToPath(new URL("../../shaders", import.meta.url));

/** What no token goes on after or before. */
const ALONE = /[(){}[\],;:@]/;
const WORD = /\w/;

/** Whether two characters that a space or a line end divides stay apart without it: `a - -b` must not become `a--b`. */
function apart(before: string, after: string): boolean {
  return ALONE.test(before) || ALONE.test(after) || WORD.test(before) !== WORD.test(after);
}

function withoutSpaces(line: string): string {
  return line.replace(/[ \t]+/g, (_space, at: number) => {
    const after = line.slice(at).trimStart();
    return apart(line.charAt(at - 1), after.charAt(0)) ? "" : " ";
  });
}

/**
 * The same tokens, without comments and what space and line ends they do not need.
 * Source: WGSL 3.3 (block comments nest).
 */
export function plainWgsl(source: string): string {
  let plain = "";
  let depth = 0; // of block comments
  for (let at = 0; at < source.length; ) {
    const two = source.slice(at, at + 2);
    if (two === "/*") {
      plain += " "; // what stands before and after are two tokens
      depth++;
      at += 2;
    } else if (depth > 0) {
      if (two === "*/") depth--;
      at += two === "*/" ? 2 : 1;
    } else if (two === "//") {
      while (at < source.length && !LINE_END.test(source.charAt(at))) at++;
    } else {
      plain += source.charAt(at++);
    }
  }
  const lines = plain.split(LINE_END).map((line) => withoutSpaces(line.trim()));
  return lines.filter(Boolean).reduce((all, line) => {
    const alone = all === "" || apart(all.charAt(all.length - 1), line.charAt(0));
    return alone ? all + line : `${all}\n${line}`;
  }, "");
}

/** Short names for all shaders of a folder and those within. */
export function shaderNames(folder: string): ReadonlyMap<string, string> {
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((file) =>
    file.endsWith(".wgsl"),
  );
  return shortNames(files.sort().map((file) => plainWgsl(readFileSync(join(folder, file), "utf8"))));
}

/** Vite plugin: builds get `*.wgsl?raw` plain and with short names. */
export function plainShaders(): Plugin {
  const names = shaderNames(SHADERS);
  return {
    name: "plain-shaders",
    apply: "build",
    enforce: "pre",
    async load(id) {
      if (!id.endsWith(IMPORT)) return undefined;
      const source = await readFile(id.slice(0, -"?raw".length), "utf8");
      return `export default ${JSON.stringify(renamed(plainWgsl(source), names))};`;
    },
  };
}
