/** What the structure tests read of the repository: its files and their imports. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** Files under a folder of the repository, as sorted paths from its root with "/"; empty if there is no such folder. */
export function filesUnder(folder: string, extension: RegExp): string[] {
  const start = join(ROOT, folder);
  if (!existsSync(start)) return [];
  return readdirSync(start, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && extension.test(entry.name))
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)).replaceAll("\\", "/"))
    .sort();
}

export interface Import {
  /** Path from the root for a relative import, else the package's specifier; without `?raw` and the like. */
  readonly target: string;
  /** "type" leaves no trace at run time; "lazy" is `import()` or `new URL(…, import.meta.url)`. */
  readonly kind: "value" | "type" | "lazy";
}

const COMMENT_OR_TEMPLATE = /\/\*[\s\S]*?\*\/|(?<![:"'])\/\/[^\n]*|`(?:\\[\s\S]|[^`\\])*`/g;
const STATIC = /\b(?:import|export)\s+(type\b)?(?:[\w*$\s{},]+?\sfrom\s*)?["']([^"'\n]+)["']/g;
const LAZY =
  /\bimport\s*\(\s*["']([^"'\n]+)["']|\bnew\s+URL\(\s*["'](\.[^"'\n]+)["']\s*,\s*import\.meta\.url/g;

/** Imports of TypeScript source text that stands at `path`. */
export function importsIn(path: string, source: string): Import[] {
  const code = source.replace(COMMENT_OR_TEMPLATE, " ");
  const resolve = (specifier: string) => {
    const plain = specifier.replace(/\?.*$/, "");
    if (!plain.startsWith(".")) return plain;
    return join(dirname(path), plain).replaceAll("\\", "/").replace(/\.js$/, ".ts");
  };
  const fixed = [...code.matchAll(STATIC)].map(
    ([, type, specifier]): Import => ({ target: resolve(specifier ?? ""), kind: type ? "type" : "value" }),
  );
  const lazy = [...code.matchAll(LAZY)].map(
    ([, called, url]): Import => ({ target: resolve(called ?? url ?? ""), kind: "lazy" }),
  );
  return [...fixed, ...lazy];
}

/** Imports of a file of the repository. */
export function importsOf(path: string): Import[] {
  return importsIn(path, readFileSync(join(ROOT, path), "utf8"));
}
