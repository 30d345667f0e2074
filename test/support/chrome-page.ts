// A page of headless Chrome with one module of this repository in it, served by Vite.
import { fileURLToPath } from "node:url";
import { chromium, type Page } from "playwright";
import { createServer, type Plugin } from "vite";
import { CHROME_FLAGS, findChrome } from "./chrome.mjs";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const PATH = "/page";

export interface ChromePage {
  readonly page: Page;
  close(): Promise<void>;
}

/**
 * @param name of the cache that Vite keeps for it
 * @param module path of the module from the root of the repository, such as "/test/bench/page.ts"
 * @param plugins of the server, such as one that serves files
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
  const server = await createServer({
    root: ROOT,
    configFile: false,
    logLevel: "error",
    appType: "custom",
    cacheDir: `node_modules/.vite-${name}`,
    plugins: [serving(module), ...plugins],
    optimizeDeps: { noDiscovery: true, include: ["pickleparser"] }, // CommonJS, which no browser reads
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
    await page.goto(new URL(PATH, server.resolvedUrls?.local[0]).href);
    return { page, close };
  } catch (error) {
    await close();
    throw error;
  }
}

function serving(module: string): Plugin {
  return {
    name: "page-of-one-module",
    configureServer(server) {
      server.middlewares.use(PATH, (_, response) => {
        response.setHeader("content-type", "text/html");
        response.end(`<!doctype html><script type="module" src="${module}"></script>`);
      });
    },
  };
}
