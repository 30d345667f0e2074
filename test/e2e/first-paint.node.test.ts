/** What a browser must fetch before it can paint, as the build makes it. */
import { gzipSync } from "node:zlib";
import { build, type Rolldown } from "vite";
import { expect, test } from "vitest";

/** Bytes of JavaScript, compressed, before the first paint. */
const BUDGET = 80 * 1024;

test("JavaScript of the first paint stays below 80 KB compressed", { timeout: 300_000 }, async () => {
  const built = (await build({ logLevel: "silent", build: { write: false } })) as Rolldown.RolldownOutput;
  const chunks = new Map(
    built.output.flatMap((file) => (file.type === "chunk" ? [[file.fileName, file] as const] : [])),
  );
  const wanted = new Set<string>();
  const visit = (name: string) => {
    if (wanted.has(name)) return;
    wanted.add(name);
    for (const next of chunks.get(name)?.imports ?? []) visit(next);
  };
  for (const { fileName, isEntry, facadeModuleId } of chunks.values())
    if (isEntry && /index\.html$/.test(facadeModuleId ?? "")) visit(fileName);
  expect(wanted.size).toBeGreaterThan(0);
  const sizes = [...wanted].map((name) => [name, gzipSync(chunks.get(name)?.code ?? "").length] as const);
  const total = sizes.reduce((sum, [, size]) => sum + size, 0);
  console.log(`first paint: ${total} bytes of compressed JavaScript`);
  expect(total, sizes.map(([name, size]) => `${name} ${size}`).join(", ")).toBeLessThan(BUDGET);
});
