/** What a page with the library downloads, from its Vite build. */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

/** Compressed bytes that a page and its worker may need before they train. */
const BUDGET = 60 * 1024;

const kilobytes = (bytes: number) => (bytes / 1024).toFixed(1).padStart(7);

/**
 * Prints the size of every script of a built page. The page's own script and the worker's count towards the budget; the
 * other scripts are fetched only where a worker by URL does not start.
 * @returns whether they are within the budget
 */
export async function bundleSizes(built: string): Promise<boolean> {
  const folder = join(built, "assets");
  let counted = 0;
  console.log("      KiB    gzip");
  for (const name of (await readdir(folder)).filter((file) => file.endsWith(".js")).sort()) {
    const content = await readFile(join(folder, name));
    const gzip = gzipSync(content).length;
    const counts = /^(index|worker)-/.test(name);
    if (counts) counted += gzip;
    console.log(
      `  ${kilobytes(content.length)} ${kilobytes(gzip)}  ${name}${counts ? "" : "  (not counted)"}`,
    );
  }
  console.log(`  page and worker: ${kilobytes(counted).trim()} KiB gzip of ${BUDGET / 1024}`);
  return counted > 0 && counted <= BUDGET;
}
