/** What a page with the library downloads, from its Vite build. */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { BUDGETS } from "../support/library-bundle.js";

/** Compressed bytes that a page and its worker should need before they train: as much as the library's own files. */
const BUDGET = 1024 * (BUDGETS.find(([, files]) => files.join() === "index.js,worker.js")?.[2] ?? 0);

/** Relative static imports of minified code; `import(…)` is loaded later, if ever. */
const STATIC = /(?:\bfrom|\bimport)\s*["']\.\/([^"']+)["']/g;

const kibibytes = (bytes: number) => (bytes / 1024).toFixed(1).padStart(7);

/**
 * Prints the size of every script of a built page. Its own scripts and the worker count towards the budget; the others
 * are fetched only where a worker by URL does not start, memory is planned on the page, or a model's files need them.
 * @returns whether the budget is kept
 */
export async function printBundleSizes(built: string): Promise<boolean> {
  const folder = join(built, "assets");
  const scripts = new Map<string, string>();
  for (const name of (await readdir(folder)).filter((file) => file.endsWith(".js")).sort()) {
    scripts.set(name, await readFile(join(folder, name), "utf8"));
  }
  const counted = new Set([...scripts.keys()].filter((name) => /^(index|worker)-/.test(name)));
  for (const name of counted) {
    for (const [, imported = ""] of (scripts.get(name) ?? "").matchAll(STATIC)) counted.add(imported);
  }
  let sum = 0;
  console.log("      KiB    gzip");
  for (const [name, content] of scripts) {
    const gzip = gzipSync(content).length;
    if (counted.has(name)) sum += gzip;
    const note = counted.has(name) ? "" : "  (not counted)";
    console.log(`  ${kibibytes(content.length)} ${kibibytes(gzip)}  ${name}${note}`);
  }
  const verdict = sum <= BUDGET ? "within" : "OVER";
  console.log(
    `  page and worker: ${kibibytes(sum).trim()} KiB gzip, ${verdict} the budget of ${BUDGET / 1024} KiB`,
  );
  return sum <= BUDGET;
}
