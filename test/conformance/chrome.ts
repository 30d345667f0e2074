// Runs cases in headless Chrome: Vite serves the modules and the folder's files, Playwright drives the page.
import { fileURLToPath } from "node:url";
import { chromium, type Page } from "playwright";
import { createServer, type Plugin } from "vite";
import { CHROME_FLAGS, findChrome } from "../support/chrome.mjs";
import type { CaseResult } from "./conformance.js";
import { filesOf } from "./files.js";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const FILES = "/case-files/";
const PAGE = "/conformance";

/** The page, and the files of the folder of cases. */
function serving(folder: string): Plugin {
  const read = filesOf(folder);
  return {
    name: "conformance-cases",
    configureServer(server) {
      server.middlewares.use(PAGE, (_, response) => {
        response.setHeader("content-type", "text/html");
        response.end('<!doctype html><script type="module" src="/test/conformance/page.ts"></script>');
      });
      server.middlewares.use(FILES, (request, response, next) => {
        const path = decodeURIComponent((request.url ?? "").replace(/^\//, ""));
        read(path).then((bytes) => {
          if (!bytes) response.statusCode = 404;
          response.end(bytes && new Uint8Array(bytes));
        }, next);
      });
    },
  };
}

interface Options {
  readonly kinds: readonly string[] | undefined;
  readonly signal: AbortSignal;
}

/** Starts a browser; results come in order, as the page reports them, and their end closes it. */
export async function startInChrome(
  folder: string,
  options: Options,
): Promise<{ adapter: string; cases: AsyncGenerator<CaseResult> }> {
  const executablePath = findChrome();
  if (!executablePath) {
    throw new Error("no Chrome or Chromium found: node test/support/chrome.mjs says how to install one");
  }
  const server = await createServer({
    root: ROOT,
    configFile: false,
    logLevel: "error",
    appType: "custom",
    cacheDir: "node_modules/.vite-conformance",
    plugins: [serving(folder)],
    optimizeDeps: { noDiscovery: true, include: [] },
    server: { host: "127.0.0.1", port: 0, hmr: false, ws: false, watch: null },
  });
  await server.listen();
  const browser = await chromium.launch({ executablePath, args: CHROME_FLAGS });
  const close = async () => {
    await browser.close();
    await server.close();
  };
  try {
    const page = await browser.newPage();
    await page.goto(new URL(PAGE, server.resolvedUrls?.local[0]).href);
    await page.waitForFunction(() => "runConformance" in window);
    const adapter = await page.evaluate(() => window.describeAdapter());
    return { adapter, cases: resultsOf(page, options, close) };
  } catch (error) {
    await close();
    throw error;
  }
}

async function* resultsOf(
  page: Page,
  { kinds, signal }: Options,
  close: () => Promise<void>,
): AsyncGenerator<CaseResult> {
  try {
    const arrived: CaseResult[] = [];
    let wake = () => {};
    await page.exposeFunction("reportCase", (result: CaseResult) => {
      arrived.push(result);
      wake();
    });
    let finished = false;
    signal.addEventListener("abort", () => wake(), { once: true });
    const run = page
      .evaluate(([files, wanted]) => window.runConformance(files, wanted), [FILES, kinds] as const)
      .finally(() => {
        finished = true;
        wake();
      });
    run.catch(() => undefined); // thrown below, once the results before it have been given out
    for (;;) {
      signal.throwIfAborted();
      const result = arrived.shift();
      if (result) yield result;
      else if (finished) break;
      else {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    }
    await run;
  } finally {
    await close();
  }
}
