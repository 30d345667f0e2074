/** Serves the page and drives Chrome through it. */
import { readFile } from "node:fs/promises";
import { type BrowserContextOptions, chromium, type Page } from "playwright";
import { createServer } from "vite";
import { inject } from "vitest";
import type { GpuTestReport } from "../../demo/gpu-test/report.js";
import { en } from "../../demo/i18n/en.js";
import { CHROME_FLAGS, findChrome } from "../support/chrome.mjs";
import type { Served } from "../support/static-server.js";

export interface OpenPage {
  readonly page: Page;
  /** What Chrome complained about: exceptions, errors on the console, refused by the page's policy. */
  readonly complaints: string[];
  /** Paths of all it has asked the server for. */
  readonly requests: string[];
}

export interface Site {
  /** Opens a path in a context of its own: nothing is kept from other pages. */
  open(path: string, options?: BrowserContextOptions & { readonly before?: () => void }): Promise<OpenPage>;
  close(): Promise<void>;
}

/** Chrome on the page as it is built, once for all tests (test/support/built-site.ts). */
export const startSite = (): Promise<Site> => drive({ url: inject("site"), close: async () => {} });

/** Chrome on the repository as `npm start` serves it. */
export async function startSource(): Promise<Site> {
  const server = await createServer({
    server: { port: 0, host: "127.0.0.1", hmr: false, watch: null },
    cacheDir: "node_modules/.vite/e2e", // the tests in Chrome have the usual one
    logLevel: "error",
  });
  await server.listen();
  const url = server.resolvedUrls?.local[0];
  if (!url) throw new Error("Vite gave no address");
  return drive({ url, close: () => server.close() });
}

/** Chrome on what is served. */
export async function drive(served: Served): Promise<Site> {
  const chrome = findChrome();
  const browser = await chromium.launch({ ...(chrome && { executablePath: chrome }), args: CHROME_FLAGS });
  return {
    async open(path, { before, ...options } = {}) {
      const context = await browser.newContext(options);
      const page = await context.newPage();
      const complaints: string[] = [];
      page.on("pageerror", (error) => complaints.push(`exception: ${error.message}`));
      page.on("console", (message) => {
        if (message.type() === "error") complaints.push(`console: ${message.text()}`);
      });
      const requests: string[] = [];
      page.on("request", (request) => requests.push(new URL(request.url()).pathname));
      if (before) await page.addInitScript(before);
      await page.goto(new URL(path, served.url).href);
      return { page, complaints, requests };
    },
    async close() {
      await browser.close();
      await served.close();
    },
  };
}

/** What the page saves of a test of the GPU, once it is over. */
export async function savedReport(page: Page): Promise<GpuTestReport> {
  const download = page.waitForEvent("download");
  await page.getByRole("button", { name: en.gpuTest.save, exact: true }).click();
  const path = await (await download).path();
  return JSON.parse(await readFile(path, "utf8")) as GpuTestReport;
}

/** Text of the first match, through open shadow roots. */
export const textOf = async (page: Page, selector: string): Promise<string> =>
  (await page.locator(selector).first().innerText()).trim();

/** All text that an element has rendered, hidden parts included. */
export const contentOf = (page: Page, element: string): Promise<string> =>
  page.locator(element).evaluate((host) => (host.shadowRoot ?? host).textContent ?? "");

/** The number that a text shows, in English. */
export const numberIn = (text: string): number =>
  Number(text.replaceAll(",", "").match(/-?\d+(\.\d+)?/)?.[0]);
