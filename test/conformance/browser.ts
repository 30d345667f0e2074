// Runs cases in a browser: Vite serves the modules and the folder's files, the page reports to the server.
import { text } from "node:stream/consumers";
import type { Plugin } from "vite";
import { openChromePage } from "../support/chrome-page.js";
import { openFirefox } from "../support/firefox.js";
import { servePage } from "../support/served-page.js";
import type { CaseResult } from "./conformance.js";
import { filesOf } from "./files.js";
import { type Report, readReport, type Wanted } from "./report.js";

const NAME = "conformance";
const MODULE = "/test/conformance/page.ts";

/** What the page asks of the server, and tells it. */
function serving(folder: string, wanted: Wanted, onReport: (report: Report) => void): Plugin {
  const read = filesOf(folder);
  return {
    name: "conformance-cases",
    configureServer({ middlewares }) {
      middlewares.use("/case-files/", (request, response, next) => {
        const path = decodeURIComponent((request.url ?? "").replace(/^\//, ""));
        read(path).then((bytes) => {
          if (!bytes) response.statusCode = 404;
          response.end(bytes && new Uint8Array(bytes));
        }, next);
      });
      middlewares.use("/case-wanted", (_, response) => void response.end(JSON.stringify(wanted)));
      middlewares.use("/case-report", (request, response, next) => {
        text(request).then((body) => {
          response.end();
          onReport(readReport(body));
        }, next);
      });
    },
  };
}

export type Browser = "chrome" | "firefox";

async function open(browser: Browser, plugin: Plugin) {
  const ended = new Promise<never>(() => {});
  if (browser === "chrome") return { ended, ...(await openChromePage(NAME, MODULE, [plugin])) };
  const served = await servePage(NAME, MODULE, [plugin]);
  try {
    const page = await openFirefox(served.url);
    const close = async () => {
      await page.close();
      await served.close();
    };
    return { ended: page.ended, close };
  } catch (error) {
    await served.close();
    throw error;
  }
}

/** Starts a browser; results come in order, as the page reports them, and their end closes it. */
export async function startInBrowser(
  browser: Browser,
  folder: string,
  { kinds, signal }: { readonly kinds: readonly string[] | undefined; readonly signal: AbortSignal },
): Promise<{ adapter: string; cases: AsyncGenerator<CaseResult> }> {
  const arrived: Report[] = [];
  let wake = () => {};
  const plugin = serving(folder, { ...(kinds && { kinds }) }, (report) => {
    arrived.push(report);
    wake();
  });
  const { ended, close } = await open(browser, plugin);
  const aborted = new Promise<never>((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
  aborted.catch(() => {});
  const next = async (): Promise<Report> => {
    signal.throwIfAborted();
    while (arrived.length === 0) {
      const more = new Promise<void>((resolve) => {
        wake = resolve;
      });
      await Promise.race([more, ended, aborted]);
    }
    const report = arrived.shift() as Report;
    if (report.what === "error") throw new Error(`on the page: ${report.message}`);
    return report;
  };
  async function* cases() {
    try {
      for (let report = await next(); report.what === "result"; report = await next()) yield report.result;
    } finally {
      await close();
    }
  }
  try {
    const first = await next();
    if (first.what !== "adapter") throw new Error(`the page began with "${first.what}"`);
    return { adapter: first.adapter, cases: cases() };
  } catch (error) {
    await close();
    throw error;
  }
}
