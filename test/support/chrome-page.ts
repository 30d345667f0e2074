// A page of headless Chrome with one module of this repository in it.
import { chromium, type Page } from "playwright";
import type { Plugin } from "vite";
import { CHROME_FLAGS, findChrome } from "./chrome.mjs";
import { servePage } from "./served-page.js";

export interface ChromePage {
  readonly page: Page;
  close(): Promise<void>;
}

/**
 * Arguments: those of `servePage`.
 * @throws {Error} where there is no Chrome
 */
export async function openChromePage(
  name: string,
  module: string,
  plugins: readonly Plugin[] = [],
): Promise<ChromePage> {
  const executablePath = findChrome();
  if (!executablePath) {
    throw new Error("no Chrome or Chromium found: node test/support/chrome.mjs says how to install one");
  }
  const served = await servePage(name, module, plugins);
  const browser = await chromium.launch({ executablePath, args: CHROME_FLAGS });
  const close = async () => {
    await browser.close();
    await served.close();
  };
  try {
    const page = await browser.newPage();
    await page.goto(served.url);
    return { page, close };
  } catch (error) {
    await close();
    throw error;
  }
}
