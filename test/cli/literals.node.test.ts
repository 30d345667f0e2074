// What users' bundlers must find word for word: a build that loses it fails.
import { build, type Plugin } from "vite";
import { expect, test } from "vitest";
import { literals, workerLiteral } from "../../src/cli/literals.js";

const LITERAL = workerLiteral("/page.ts", "./worker.ts", "worker.js", "hands");
const SAYS =
  'export const make = () => new Worker(new URL("./worker.ts", import.meta.url), { type: "module", name: "hands" });';

/** Builds files by their paths; the entry is /entry.ts. */
async function bundled(files: Readonly<Record<string, string>>): Promise<string> {
  const sources: Plugin = {
    name: "sources",
    enforce: "pre",
    resolveId: (id) => Object.keys(files).find((path) => id.endsWith(path.slice(1))) ?? null,
    load: (id) => files[id] ?? null,
  };
  const result = await build({
    configFile: false,
    publicDir: false,
    logLevel: "silent",
    plugins: [sources, literals([LITERAL])],
    build: { write: false, lib: { entry: "/entry.ts", formats: ["es"] } },
  });
  const [output] = Array.isArray(result) ? result : [];
  return output?.output.map((file) => (file.type === "chunk" ? file.code : "")).join("\n") ?? "";
}

test("a literal stands in the file as it must be found", async () => {
  expect(await bundled({ "/entry.ts": 'export * from "./page.ts";', "/page.ts": SAYS })).toContain(
    LITERAL.literal,
  );
});

test("a module that no longer says it fails the build", async () => {
  const files = { "/entry.ts": 'export * from "./page.ts";', "/page.ts": "export const make = 1;" };
  await expect(bundled(files)).rejects.toThrow("/page.ts does not say");
});

test("a module that is no longer met fails the build", async () => {
  await expect(bundled({ "/entry.ts": "export const make = 1;" })).rejects.toThrow(
    "/page.ts is not in this build",
  );
});
