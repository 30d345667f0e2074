// Runs cases in headless Chrome: Vite serves the modules and the folder's files, Playwright drives the page.
import type { Page } from "playwright";
import type { Plugin } from "vite";
import { openChromePage } from "../support/chrome-page.js";
import type { CaseResult } from "./conformance.js";
import { filesOf } from "./files.js";

const FILES = "/case-files/";

/** The files of the folder of cases. */
function serving(folder: string): Plugin {
  const read = filesOf(folder);
  return {
    name: "conformance-cases",
    configureServer(server) {
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
  const { page, close } = await openChromePage("conformance", "/test/conformance/page.ts", [serving(folder)]);
  try {
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
