/**
 * `npm run test:package`: builds and packs the library, checks the package, and runs the README's first example on
 * empty pages that install it, and in Node.
 */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Browser, chromium } from "playwright";
import { readBook } from "../../src/cli/book.js";
import { CHROME_FLAGS, findChrome } from "../support/chrome.mjs";
import { printBundleSizes } from "./bundle-sizes.js";
import { checkTypes, install, pack, runInNode } from "./consumer.js";
import { WAYS, writeProject } from "./pages.js";
import { writeSavedModel } from "./saved-model.js";

const PAGE_TIMEOUT = 300_000; // three training steps on a software GPU
const TRAINING_CHARACTERS = 100_000;

/** The first ```js block of the README. */
async function readmeExample(): Promise<string> {
  const [, code] = /```js\n([\s\S]*?)```/.exec(await readFile("README.md", "utf8")) ?? [];
  if (!code) throw new Error("README.md has no ```js block.");
  return code;
}

/** The example with 3 steps of 128 tokens, and 8 tokens written, instead of its own numbers; for software GPUs. */
function shortened(example: string): string {
  const short = example
    .replace(/steps: [\d_]+/, "steps: 3, length: 128")
    .replace(/maxNewTokens: [\d_]+/, "maxNewTokens: 8");
  if (short === example) throw new Error("The README's example names no steps and no maxNewTokens.");
  return short;
}

/** Follows the example: reads a saved model with all that the package loads late. */
const LOADING = `
const saved = await Reformer.load("./saved/");
console.log("loaded", saved.worker, (await saved.generate("Call me", { maxNewTokens: 4, temperature: 0 }).text()).length > 0);
await saved.dispose();
document.title = "ended";
`;

/**
 * Opens a page and waits until its program has come to its end.
 * @returns what it printed, and the address of its worker
 * @throws Error with what it printed, where it fails
 */
async function visit(
  browser: Browser,
  url: string,
): Promise<{ printed: string[]; worker: string | undefined }> {
  const page = await browser.newPage();
  const printed: string[] = [];
  let worker: string | undefined;
  page.on("console", (message) => {
    if (message.type() === "log") printed.push(message.text());
  });
  page.on("worker", (started) => {
    worker = started.url();
  });
  try {
    const failed = new Promise<never>((_, reject) => page.on("pageerror", reject));
    await page.goto(url);
    const ended = page.waitForFunction(() => document.title === "ended", undefined, {
      timeout: PAGE_TIMEOUT,
    });
    await Promise.race([ended, failed]);
    return { printed, worker };
  } catch (error) {
    throw new Error(`${url}: ${error}; the page printed:\n${printed.join("\n")}`, { cause: error });
  } finally {
    await page.close();
  }
}

/** Runs the example on every kind of page; returns the number of failures. */
async function tryPages(folder: string): Promise<number> {
  const chrome = findChrome();
  const browser = await chromium.launch({ ...(chrome && { executablePath: chrome }), args: CHROME_FLAGS });
  let failures = 0;
  try {
    for (const way of WAYS) {
      const start = performance.now();
      const page = await way.serve(folder);
      try {
        const { printed, worker } = await visit(browser, page.url);
        const kind = worker?.startsWith("blob:") ? "inline" : worker ? "url" : "none";
        const steps = printed.filter((line) => /^[123] [\d.]+ [\d.]+$/.test(line)); // number, loss, tokens per second
        const loaded = printed.at(-1) === `loaded ${way.worker} true`;
        const right = kind === way.worker && steps.length === 3 && printed.length === 5 && loaded; // and the text it wrote
        if (!right) failures++;
        const seconds = ((performance.now() - start) / 1000).toFixed(1);
        console.log(
          `${right ? "ok  " : "FAIL"} ${way.name}: worker ${kind}, ${seconds} s, printed ${printed.join(" | ")}`,
        );
      } finally {
        await page.close();
      }
    }
  } finally {
    await browser.close();
  }
  return failures;
}

export async function main(): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), "webgpu-reformer-package-"));
  try {
    const archive = await pack(folder);
    const example = shortened(await readmeExample());
    const text = (await readBook()).slice(0, TRAINING_CHARACTERS);
    await writeProject(folder, example + LOADING, text);
    await install(folder, archive);
    await checkTypes(folder, example);
    await runInNode(folder);
    await writeSavedModel(join(folder, "model"), join(folder, "public/saved"));
    const failures = await tryPages(folder);
    const small = await printBundleSizes(join(folder, "built"));
    console.log(`${failures} of ${WAYS.length} pages failed`);
    return failures > 0 || !small ? 1 : 0;
  } finally {
    await rm(folder, { recursive: true });
  }
}
