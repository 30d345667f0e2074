import { gzipSync } from "node:zlib";
import { build, type Rolldown } from "vite";
import { beforeAll, describe, expect, test } from "vitest";

/** What a browser loads, compressed, at most; some 5 % above what it was when it was last set. */
const BUDGETS: readonly [name: string, files: readonly string[], kibibytes: number][] = [
  ["main entry", ["index.js"], 8],
  ["worker", ["worker.js"], 115],
  ["kernels", ["kernels.js"], 26],
  ["node", ["node.js"], 12],
  ["page and its worker, to make and train a model", ["index.js", "worker.js"], 120],
  ["inline worker: everything in one module", ["inline.js"], 123],
  ["reader of PyTorch files, when there is one", ["pickleparser.js"], 3],
  ["tokenizers of public models, when there is one", ["tokenizers.js"], 12],
];

const bundle = new Map<string, Rolldown.OutputChunk | Rolldown.OutputAsset>();

/** The files and all that they import as they start. */
function closure(names: readonly string[], found = new Set<string>()): Set<string> {
  for (const name of names) {
    if (found.has(name)) continue;
    found.add(name);
    const file = bundle.get(name);
    if (!file) throw new Error(`The build has no ${name}, only ${[...bundle.keys()].join(", ")}.`);
    if (file.type === "chunk")
      closure(
        file.imports.filter((target) => bundle.has(target)),
        found,
      );
  }
  return found;
}

function textOf(name: string): string {
  const file = bundle.get(name);
  return String(file?.type === "chunk" ? file.code : file?.source);
}

beforeAll(async () => {
  const result = await build({
    configFile: "vite.lib.config.ts",
    logLevel: "error",
    build: { write: false },
  });
  for (const { output } of Array.isArray(result) ? result : []) {
    for (const file of output) bundle.set(file.fileName, file);
  }
});

describe("the library's files", () => {
  test.each(BUDGETS)("%s: within its budget", (name, files, budget) => {
    const all = [...closure(files)];
    const bytes = all.reduce((sum, file) => sum + gzipSync(textOf(file), { level: 9 }).length, 0);
    console.log(
      `${(bytes / 1024).toFixed(1).padStart(6)} KiB gzip of ${budget}: ${name} (${all.length} files)`,
    );
    expect(bytes / 1024).toBeLessThanOrEqual(budget);
  });

  test("a page loads none of the engine before it makes a model", () => {
    expect([...closure(["index.js"])].filter((name) => /engine|run|recordings/.test(name))).toEqual([]);
  });

  test("a worker imports nothing later: by default Vite makes it one script, and Vite 7 refuses what splits", () => {
    const late = [...closure(["worker.js"])].filter((name) => {
      const file = bundle.get(name);
      return file?.type === "chunk" && file.dynamicImports.length > 0;
    });
    expect(late).toEqual([]);
  });

  test.each(["worker.js", "pickleparser.js", "tokenizers.js"])(
    "%s is named as bundlers look for it, once",
    (name) => {
      const literal = `new URL("./${name}",import.meta.url)`;
      const times = [...bundle.keys()].map((file) =>
        name === file ? 0 : textOf(file).split(literal).length - 1,
      );
      expect(times.reduce((sum, n) => sum + n)).toBe(1);
    },
  );

  test.each(["inline.js", "pickleparser.js", "tokenizers.js"])("%s imports no other file", (name) => {
    const own = textOf(name).match(/\b(?:import|from)\s*\(?\s*["'`]\.{0,2}\/[^"'`]*/g) ?? [];
    expect(own).toEqual([]);
  });

  test("no comment of a shader is left", () => {
    const commented = [...bundle.keys()].filter((file) => /@group\(\d\)[^\n]*\/\/ /.test(textOf(file)));
    expect(commented).toEqual([]);
  });
});
