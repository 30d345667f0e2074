import { describe, expect, test } from "vitest";
import { filesUnder, type Import, importsIn, importsOf } from "./sources.js";

/** Layers from the lowest up. A file imports its own layer and, of the others, only those named behind it. */
const LAYERS: readonly [layer: string, files: RegExp, below: readonly string[]][] = [
  ["leaves", /^src\/(config\/[\w-]+|errors|shapes|random|types(-[\w-]+)?)\.ts$/, []],
  ["shaders", /^shaders\/.*\.wgsl$/, []],
  ["gpu", /^src\/gpu\//, ["leaves"]],
  ["scheduler", /^src\/scheduler\//, ["leaves", "gpu"]],
  ["kernels", /^src\/kernels\//, ["leaves", "gpu", "shaders"]],
  ["self-test", /^src\/self-test\//, ["leaves", "gpu", "scheduler", "kernels"]],
  ["text", /^src\/text\//, ["leaves"]],
  ["io", /^src\/io\//, ["leaves"]],
  ["layers", /^src\/layers\//, ["leaves", "gpu", "scheduler", "kernels"]],
  ["model", /^src\/model\//, ["leaves", "gpu", "scheduler", "kernels", "layers"]],
  ["train", /^src\/train\//, ["leaves", "gpu", "scheduler", "kernels", "layers", "model", "text"]],
  ["generate", /^src\/generate\//, ["leaves", "gpu", "scheduler", "kernels", "layers", "model", "text"]],
  [
    "tasks",
    /^src\/tasks\//,
    ["leaves", "gpu", "scheduler", "kernels", "layers", "model", "train", "text", "generate"],
  ],
];
const ENGINE = LAYERS.map(([layer]) => layer);
const ALL_LAYERS: typeof LAYERS = [
  ...LAYERS,
  ["engine", /^src\/engine\//, ENGINE],
  ["worker", /^src\/worker\//, [...ENGINE, "engine"]],
  ["entries", /^src\/[\w-]+\.ts$/, [...ENGINE, "engine", "worker"]],
  ["cli", /^src\/cli\//, [...ENGINE, "engine", "worker", "entries"]],
];

const layerOf = (path: string) => ALL_LAYERS.find(([, files]) => files.test(path));
const isOwn = ({ target }: Import) => /^(src|shaders|demo|test)\//.test(target);

const sources = filesUnder("src", /\.ts$/);

/** Why a file of src may not import a target, or undefined if it may. */
function objection(path: string, target: string): string | undefined {
  const from = layerOf(path);
  const to = layerOf(target);
  if (!from) return `${path} has no layer: give it one in LAYERS`;
  if (!to) return `${path} imports ${target}, which is outside src/ and shaders/`;
  if (from[0] === to[0] || from[2].includes(to[0])) return undefined;
  return `${path} (${from[0]}) imports ${target} (${to[0]}); it may import ${from[2].join(", ") || "nothing"}`;
}

describe("imports", () => {
  test("src imports point down, as the layers in DESIGN say", () => {
    const objections = sources.flatMap((path) =>
      importsOf(path)
        .filter(isOwn)
        .map(({ target }) => objection(path, target)),
    );
    expect(objections.filter(Boolean)).toEqual([]);
  });

  test("every file of src has a layer", () => {
    expect(sources.filter((path) => !layerOf(path))).toEqual([]);
  });

  test("there are no cycles, not even of types", () => {
    const done = new Set<string>();
    const cycles: string[] = [];
    const visit = (path: string, trail: readonly string[]) => {
      const seen = trail.indexOf(path);
      if (seen >= 0) cycles.push([...trail.slice(seen), path].join(" → "));
      if (seen >= 0 || done.has(path)) return;
      for (const { target } of importsOf(path).filter(isOwn)) {
        if (target.endsWith(".ts")) visit(target, [...trail, path]);
      }
      done.add(path);
    };
    for (const path of [...sources, ...filesUnder("demo", /\.ts$/)]) visit(path, []);
    expect(cycles).toEqual([]);
  });

  test("the page imports of src only what a user of the package gets", () => {
    const page = filesUnder("demo", /\.ts$/).filter((path) => !path.endsWith("-plugin.ts")); // those run in the build
    const inner = page.flatMap((path) =>
      importsOf(path)
        .filter(({ target }) => target.startsWith("src/") && !/^src\/(index|kernels)\.ts$/.test(target))
        .map(({ target }) => `${path} imports ${target}`),
    );
    expect(inner).toEqual([]);
  });

  test("the page takes nothing of the tests, but for the worker that runs them on a visitor's GPU", () => {
    // It is loaded when a visitor asks for it. The library is built from src/ alone.
    const taken = filesUnder("demo", /\.ts$/).flatMap((path) =>
      importsOf(path).flatMap(({ target }) => (target.startsWith("test/") ? [path] : [])),
    );
    expect([...new Set(taken)]).toEqual(["demo/gpu-test/worker.ts"]);
  });

  test("the worker's client loads the engine only when it runs on the page: by import() or as a type", () => {
    const eager = filesUnder("src/worker", /^client.*\.ts$/).flatMap((path) =>
      importsOf(path).filter(({ target, kind }) => target.startsWith("src/engine") && kind === "value"),
    );
    expect(eager).toEqual([]);
  });

  test("the oracles share no code with what they judge: of src they import types only", () => {
    const shared = filesUnder("test/oracle", /\.ts$/).flatMap((path) =>
      importsOf(path)
        .filter(({ target, kind }) => target.startsWith("src/") && kind !== "type")
        .map(({ target }) => `${path} imports ${target}`),
    );
    expect(shared).toEqual([]);
  });
});

test("importsIn() finds every form of import and no text that only looks like one", () => {
  const source = `
    import a, { type B } from "./a.js"; import type { C } from "../b/c.js";
    import {
      d,
    } from './d.js';
    import "./side.js";
    export * from "./e.js"; export { f } from "./f.js"; export type { G } from "./g.js";
    import wgsl from "../../shaders/x.wgsl?raw";
    const lazy = await import("./lazy.js"); new Worker(new URL("./worker.ts", import.meta.url));
    // import "./comment.js"
    /* export * from "./block.js"; */
    const text = \`import "./template.js"\`; const url = "https://example.org"; import { h } from "comlink";
    export const from = "./constant.js";`;
  expect(importsIn("src/m/x.ts", source).map(({ target, kind }) => `${kind} ${target}`)).toEqual([
    "value src/m/a.ts",
    "type src/b/c.ts",
    "value src/m/d.ts",
    "value src/m/side.ts",
    "value src/m/e.ts",
    "value src/m/f.ts",
    "type src/m/g.ts",
    "value shaders/x.wgsl",
    "value comlink",
    "lazy src/m/lazy.ts",
    "lazy src/m/worker.ts",
  ]);
});

test("an upward import is objected to, a downward one is not", () => {
  expect(objection("src/gpu/gpu.ts", "src/errors.ts")).toBeUndefined();
  expect(objection("src/kernels/matmul.ts", "src/scheduler/plan.ts")).toContain("kernels");
  expect(objection("src/text/bytes.ts", "src/io/hub.ts")).toContain("may import leaves");
});
