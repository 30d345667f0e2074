/**
 * `npm run page-figures`: what a visitor waits for, in headless Chrome on the built page: bytes, first paint, first step of
 * the model at the top, the longest task of the page's thread while it learns, and, on visits of their own that begin at
 * their station, until the models that come with the page write and classify. It measures, it does not judge.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { availableParallelism, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { type Browser, chromium } from "playwright";
import { build, preview, type Rolldown } from "vite";
import { en } from "../../demo/i18n/en.js";
import { CHROME_FLAGS, findChrome } from "../support/chrome.mjs";
import { longestTask } from "../support/longest-task.js";

const VISITS = 3;
/** Milliseconds of learning whose tasks are measured. */
const LEARNING = 15_000;

interface Visit {
  /** Milliseconds from the navigation's start. */
  readonly firstPaint: number;
  readonly firstStep: number;
  /** Bytes of scripts that had come before the first paint, compressed with gzip. */
  readonly scriptBytes: number;
  /** Milliseconds of the longest task while learning: of the clock, and of the processor. */
  readonly longestTask: number;
  readonly longestTaskProcessor: number;
  /** Sum of layout shifts. */
  readonly layoutShift: number;
}

export async function main(_: readonly string[], { signal }: { signal: AbortSignal }): Promise<void> {
  const outDir = await mkdtemp(join(tmpdir(), "site-"));
  try {
    const built = (await build({ logLevel: "error", build: { outDir } })) as Rolldown.RolldownOutput;
    const compressed = new Map(
      built.output.map((file) => [
        file.fileName,
        gzipSync(file.type === "chunk" ? file.code : file.source).length,
      ]),
    );
    const server = await preview({
      logLevel: "error",
      preview: { port: 0, host: "127.0.0.1" },
      build: { outDir },
    });
    const executablePath = findChrome();
    const browser = await chromium.launch({ ...(executablePath && { executablePath }), args: CHROME_FLAGS });
    const visits: (Visit & Shipped)[] = [];
    let adapter = "";
    try {
      const address = server.resolvedUrls?.local[0] ?? "";
      for (let i = 0; i < VISITS; i++) {
        signal.throwIfAborted();
        const whole = await visit(browser, address, compressed);
        visits.push({ ...whole, ...(await shippedModels(browser, address)) });
      }
      adapter = await adapterOf(browser, address);
    } finally {
      await browser.close();
      await server.close();
    }
    console.log(
      `medians (and range) of ${VISITS} first visits, built page, no throttling, ${adapter}, load of this machine ${loadavg()[0]?.toFixed(1)} on ${availableParallelism()} cores, ${new Date().toISOString().slice(0, 10)}`,
    );
    for (const key of Object.keys(visits[0] ?? {}) as (keyof (Visit & Shipped))[]) {
      const values = visits.map((one) => one[key]).sort((a, b) => a - b);
      const [low, middle, high] = [values[0], values[values.length >> 1], values.at(-1)].map((v) =>
        round(v ?? 0),
      );
      console.log(`${key.padEnd(22)} ${middle} (${low} to ${high})`);
    }
  } finally {
    await rm(outDir, { recursive: true });
  }
}

/** Milliseconds from the navigation's start. */
interface Shipped {
  readonly firstWritten: number;
  readonly firstClassified: number;
}

/** Visits that go to a station at once; the model at the top gives way to it. */
async function shippedModels(browser: Browser, address: string): Promise<Shipped> {
  const until = async (station: number, shows: (element: Element) => boolean) => {
    const context = await browser.newContext();
    try {
      const page = await context.newPage();
      await page.goto(`${address}?lang=en#station-${station}`);
      const element = page.locator(`#station-${station} > *`).first();
      await element.waitFor();
      while (!(await element.evaluate(shows))) await page.waitForTimeout(20);
      return await page.evaluate(() => performance.now());
    } finally {
      await context.close();
    }
  };
  return {
    firstWritten: await until(13, (element) => {
      const written = element.shadowRoot?.querySelector(".written");
      const prompt = written?.querySelector("b")?.textContent ?? "";
      return (written?.textContent?.length ?? 0) > prompt.length;
    }),
    // The text's pieces, tinted by their part in the verdict.
    firstClassified: await until(
      12,
      ({ shadowRoot }) => !!shadowRoot?.querySelector(".cells rect:not(.for0, .against0)"),
    ),
  };
}

async function adapterOf(browser: Browser, address: string): Promise<string> {
  const page = await browser.newPage();
  await page.goto(`${address}?lang=en`);
  const chip = page.locator(".chip b");
  await chip.waitFor();
  return chip.innerText();
}

const round = (value: number) => Number(value.toPrecision(4));

async function visit(
  browser: Browser,
  address: string,
  compressed: ReadonlyMap<string, number>,
): Promise<Visit> {
  const context = await browser.newContext();
  try {
    const page = await context.newPage();
    await page.addInitScript(() => {
      Object.assign(window, { shift: 0, longest: 0 });
      const seen = window as unknown as { shift: number; longest: number };
      new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) seen.shift += (entry as unknown as { value: number }).value;
      }).observe({ type: "layout-shift", buffered: true });
      new PerformanceObserver((list) => {
        for (const { duration } of list.getEntries()) seen.longest = Math.max(seen.longest, duration);
      }).observe({ type: "longtask" });
    });
    await page.goto(`${address}?lang=en`);
    const learner = page.locator("tiny-learner [role=status]");
    const running = new RegExp(en.hero.learner.running("[1-9]\\d*", ".*"));
    await learner.filter({ hasText: running }).waitFor({ timeout: 120_000 });
    const firstStep = await page.evaluate(() => performance.now());
    await page.evaluate(() => Object.assign(window, { longest: 0 }));
    await browser.startTracing(page, { categories: ["toplevel"] });
    await page.waitForTimeout(LEARNING);
    const processor = longestTask(await browser.stopTracing());
    const measured = await page.evaluate(() => {
      const { shift, longest } = window as unknown as { shift: number; longest: number };
      const firstPaint = performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? Number.NaN;
      const scripts = (performance.getEntriesByType("resource") as PerformanceResourceTiming[])
        .filter(({ name, responseEnd }) => name.endsWith(".js") && responseEnd <= firstPaint)
        .map(({ name }) => new URL(name).pathname.slice(1));
      return { shift, longest, firstPaint, scripts };
    });
    return {
      firstPaint: measured.firstPaint,
      firstStep,
      scriptBytes: measured.scripts.reduce((sum, name) => sum + (compressed.get(name) ?? 0), 0),
      longestTask: measured.longest, // 0: none was longer than 50 ms
      longestTaskProcessor: processor,
      layoutShift: measured.shift,
    };
  } finally {
    await context.close();
  }
}
