// The library as it is packed, built in memory.
import { gzipSync } from "node:zlib";
import { build, type Rolldown } from "vite";

/** Files by name. */
export type Bundle = ReadonlyMap<string, Rolldown.OutputChunk | Rolldown.OutputAsset>;

/** What a browser loads, compressed, at most; some 5 % above what it was when it was last set. */
export const BUDGETS: readonly [name: string, files: readonly string[], kibibytes: number][] = [
  ["main entry", ["index.js"], 8],
  ["worker", ["worker.js"], 140],
  ["kernels", ["kernels.js"], 26],
  ["metrics", ["metrics.js"], 2],
  ["node", ["node.js"], 12],
  ["page and its worker, to make and train a model", ["index.js", "worker.js"], 145],
  ["inline worker: everything in one module", ["inline.js"], 145],
  ["reader of PyTorch files, when there is one", ["pickleparser.js"], 3],
  ["tokenizers of public models, when there is one", ["tokenizers.js"], 12],
  ["elements, before a station is met", ["elements.js"], 14],
  ["worker of stations that measure", ["course-lab.js"], 144],
  ["worker of stations that plan memory", ["course-planner.js"], 68],
];

/** Of any one station, with all that it imports as it starts. */
export const STATION_BUDGET = 50;

export async function buildLibrary(): Promise<Bundle> {
  const files: (Rolldown.OutputChunk | Rolldown.OutputAsset)[] = [];
  for (const configFile of ["vite.lib.config.ts", "vite.elements.config.ts"]) {
    const result = await build({ configFile, logLevel: "error", build: { write: false } });
    if (Array.isArray(result)) files.push(...result.flatMap(({ output }) => output));
  }
  return new Map(files.map((file) => [file.fileName, file]));
}

/** The files and all that they import as they start. */
export function closure(bundle: Bundle, names: readonly string[], found = new Set<string>()): Set<string> {
  for (const name of names) {
    if (found.has(name)) continue;
    found.add(name);
    const file = bundle.get(name);
    if (!file) throw new Error(`The build has no ${name}, only ${[...bundle.keys()].join(", ")}.`);
    if (file.type === "chunk") {
      closure(
        bundle,
        file.imports.filter((target) => bundle.has(target)),
        found,
      );
    }
  }
  return found;
}

export function textOf(bundle: Bundle, name: string): string {
  const file = bundle.get(name);
  return String(file?.type === "chunk" ? file.code : file?.source);
}

/** Of all files that load with these, each compressed by itself. */
export function gzipBytes(bundle: Bundle, names: readonly string[]): number {
  return [...closure(bundle, names)].reduce(
    (sum, file) => sum + gzipSync(textOf(bundle, file), { level: 9 }).length,
    0,
  );
}
