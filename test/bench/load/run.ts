/**
 * `npm run bench:load -- [--json FILE]`: what a page loads of the packed library, and how long it takes in headless Chrome
 * from its import to the first token and the first training step, shaders compiled; a fresh browser every time.
 */
import { writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { parseArgs } from "node:util";
import { chromium } from "playwright";
import { CHROME_FLAGS, findChrome } from "../../support/chrome.mjs";
import { BUDGETS, type Bundle, buildLibrary, gzipBytes, textOf } from "../../support/library-bundle.js";
import { median, range, type Table, tableLines } from "../report.js";
import { CHANNEL, type Loaded, load, WATCHING } from "./page.js";

const TRIALS = 5;
const FOLDER = "/library/";

export async function main(args: readonly string[], { signal }: { signal: AbortSignal }): Promise<number> {
  const { values } = parseArgs({ args: [...args], options: { json: { type: "string" } } });
  const bundle = await buildLibrary();
  const sizes: Table = {
    title: "What a page loads, compressed",
    rows: BUDGETS.map(([name, files, budget]) => ({
      name,
      "KiB gzip": gzipBytes(bundle, files) / 1024,
      budget,
    })),
  };
  const server = await serve(bundle);
  const trials: Loaded[] = [];
  let browser = "";
  try {
    for (let i = 0; i < TRIALS; i++) {
      signal.throwIfAborted();
      console.error(`load ${i + 1} of ${TRIALS}`);
      const trial = await visit(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
      browser = trial.browser;
      trials.push(trial.loaded);
    }
  } finally {
    server.close();
  }
  const phase = (name: string, of: (loaded: Loaded) => number, pipelines = 0) => {
    const times = trials.map(of);
    return { until: name, ms: median(times), range: range(times), pipelines: pipelines || "" };
  };
  const [first] = trials as [Loaded];
  const times: Table = {
    title: "A model of 2 layers, width 64, in a worker: from the page's import",
    rows: [
      phase("imported", ({ imported }) => imported),
      phase("model made", ({ made }) => made),
      phase("first token", ({ firstToken }) => firstToken, first.toFirstToken.pipelines),
      phase("  of it compiling", ({ toFirstToken }) => toFirstToken.milliseconds),
      phase(
        "first training step after it",
        ({ firstStep }) => firstStep,
        first.toFirstStep.pipelines - first.toFirstToken.pipelines,
      ),
      phase(
        "  of it compiling",
        ({ toFirstStep, toFirstToken }) => toFirstStep.milliseconds - toFirstToken.milliseconds,
      ),
    ],
    notes: [
      `Medians of ${TRIALS} fresh browsers; ranges are shares of the median. Files come from this machine.`,
      "Compiling: the time during which at least one pipeline was being compiled.",
    ],
  };
  const date = new Date().toISOString().slice(0, 10);
  console.log(`${browser}, ${date}`);
  for (const table of [sizes, times]) for (const line of tableLines(table)) console.log(line);
  if (values.json) {
    await writeFile(values.json, `${JSON.stringify({ browser, date, sizes, times, trials }, null, 2)}\n`);
  }
  return 0;
}

/** The files of the library as they are packed, the worker with a watch on what it compiles, and an empty page. */
async function serve(bundle: Bundle): Promise<Server> {
  const server = createServer(({ url = "/" }, response) => {
    const name = url.slice(FOLDER.length);
    if (!url.startsWith(FOLDER)) {
      response.setHeader("content-type", "text/html").end("<!doctype html><title>load</title>");
    } else if (bundle.has(name)) {
      const watching = name === "worker.js" ? WATCHING : "";
      response.setHeader("content-type", "text/javascript").end(textOf(bundle, name) + watching);
    } else {
      response.writeHead(404).end();
    }
  });
  await new Promise<void>((listening) => void server.listen(0, "127.0.0.1", listening));
  return server;
}

async function visit(url: string): Promise<{ readonly loaded: Loaded; readonly browser: string }> {
  const executablePath = findChrome();
  const browser = await chromium.launch({ ...(executablePath && { executablePath }), args: CHROME_FLAGS });
  try {
    const page = await browser.newPage();
    await page.goto(url);
    const loaded = await page.evaluate(`(async () => {
      const begun = performance.now();
      const { Reformer } = await import("${FOLDER}index.js");
      return (${load.toString()})(Reformer, begun, "${CHANNEL}");
    })()`);
    return { loaded: loaded as Loaded, browser: `Chrome ${browser.version()}` };
  } finally {
    await browser.close();
  }
}
