// A page with one module of this repository in it, served by Vite to any browser.
import { fileURLToPath } from "node:url";
import { createServer, type Plugin } from "vite";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const PATH = "/page";

export interface ServedPage {
  readonly url: string;
  close(): Promise<void>;
}

/**
 * @param name of the cache that Vite keeps for it
 * @param module path of the module from the root of the repository, such as "/test/bench/page.ts"
 * @param plugins of the server, such as one that serves files
 */
export async function servePage(
  name: string,
  module: string,
  plugins: readonly Plugin[] = [],
): Promise<ServedPage> {
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
  return { url: new URL(PATH, server.resolvedUrls?.local[0]).href, close: () => server.close() };
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
