// Runs a TypeScript command of this repository without a build: `node src/cli/run.mjs NAME ARGS`.
// NAME is src/cli/NAME.ts, else test/NAME/run.ts, else a path ending in .ts. Vite loads it, so `?raw` imports work;
// `navigator.gpu` is there as in a browser.
// The module exports `main(args, { signal }): Promise<number | void>`; the number is the exit status. The first Ctrl-C
// aborts the signal, the second ends the process at once.

import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { createServer, createServerModuleRunner } from "vite";
import { installGpu } from "./node-gpu.mjs";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const INTERRUPTED = 130; // 128 + SIGINT, the shell's convention

/** @param {string | undefined} name */
function findModule(name) {
  if (!name) return undefined;
  const places = name.endsWith(".ts")
    ? [resolve(name)]
    : [resolve(ROOT, `src/cli/${name}.ts`), resolve(ROOT, `test/${name}/run.ts`)];
  return places.find((path) => existsSync(path));
}

/** @param {string[]} argv */
async function run([name, ...args]) {
  const file = findModule(name);
  if (!file) {
    console.error(
      `No command ${name ? `"${name}"` : "given"}: needed is NAME, where src/cli/NAME.ts or test/NAME/run.ts exists.`,
    );
    return 2;
  }
  const server = await createServer({
    root: ROOT,
    configFile: false,
    logLevel: "error",
    appType: "custom",
    cacheDir: "node_modules/.vite-cli",
    optimizeDeps: { noDiscovery: true, include: [] },
    server: { middlewareMode: true, hmr: false, ws: false, watch: null },
  });
  installGpu();
  const stop = new AbortController();
  const interrupt = () => {
    if (stop.signal.aborted) process.exit(INTERRUPTED);
    console.error("Stopping. Press Ctrl-C again to stop at once.");
    stop.abort(new DOMException("Interrupted.", "AbortError"));
  };
  process.on("SIGINT", interrupt);
  try {
    const module = await createServerModuleRunner(server.environments.ssr, { hmr: false }).import(file);
    if (typeof module.main !== "function") {
      console.error(`${file} exports no function main(args, { signal }).`);
      return 2;
    }
    return (await module.main(args, { signal: stop.signal })) ?? 0;
  } catch (error) {
    if (stop.signal.aborted && error === stop.signal.reason) return INTERRUPTED;
    console.error(error);
    return 1;
  } finally {
    await server.close();
  }
}

// Exit rather than wait: native GPU objects would keep the process alive.
process.exit(await run(process.argv.slice(2)));
