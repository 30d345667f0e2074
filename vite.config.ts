import { playwright } from "@vitest/browser-playwright";
import { defineConfig } from "vitest/config";
import { bookPlugin } from "./demo/data/book-plugin.js";
import { licences } from "./src/cli/licences.js";
import { plainShaders } from "./src/cli/plain-shaders.js";
import { CHROME_FLAGS, findChrome } from "./test/support/chrome.mjs";

const chrome = findChrome();

/**
 * With `--mode shared` (npm test) the hosts share the tests that both can run: shaders in Chrome, whole models in Node, the
 * conformance cases on both. Each of `npm run test:browser` and `npm run test:node` runs all that its host can.
 */
const SHADERS = ["test/kernels/**", "test/layers/**"];
const MODELS = [
  ...["api", "generate", "scheduler", "seq2seq", "tasks", "train"].map(
    (folder) => `test/${folder}/**/!(*.browser).test.ts`,
  ),
  "test/model/!(conformance).test.ts",
];
const PEERS = "test/bench/peers/**";

export default defineConfig(({ mode }) => ({
  plugins: [
    bookPlugin(),
    plainShaders(),
    licences(["lit", "uplot", "comlink", "@huggingface/tokenizers", "pickleparser"]),
  ],
  publicDir: "demo/public",
  base: "./", // the built page works under any path
  build: {
    target: "es2022",
    // light-dark() as it is written: elements' own sheets have it too, and lowering it here alone would part the two.
    cssTarget: ["chrome123", "firefox120", "safari17.5"],
    outDir: "site", // dist/ is the library's
  },
  // One piece: the inline worker is a blob, from which no other file can be imported.
  worker: {
    format: "es",
    plugins: () => [plainShaders()],
    rolldownOptions: { output: { codeSplitting: false } },
  },
  // Found late, one would reload the test page in the middle of a run.
  optimizeDeps: {
    include: ["comlink", "fast-check", "lit", "pickleparser", "@huggingface/tokenizers", "uplot"],
  },
  // Node would take the package's `main`, which is CommonJS under "type": "module" and does not load.
  resolve: { alias: { wgsl_reflect: "wgsl_reflect/wgsl_reflect.module.js" } },
  test: {
    // Compiling shaders on a loaded machine without a GPU takes its time; a hang is still found.
    testTimeout: 180_000,
    hookTimeout: 180_000,
    // Both projects at once, on every core: most tests wait for a compiler that takes one.
    maxWorkers: "100%",
    sequence: { groupOrder: 1 },
    projects: [
      {
        extends: true,
        test: {
          name: "node",
          include: ["test/**/*.test.ts"],
          exclude: ["test/**/*.browser.test.ts", PEERS, ...(mode === "shared" ? SHADERS : [])],
          globalSetup: ["test/support/built-site.ts"],
          setupFiles: ["test/support/node-gpu.ts"],
          environment: "node",
          pool: "forks", // Dawn is native code: a process of its own for every file
        },
      },
      {
        extends: true,
        test: {
          name: "browser",
          include: ["test/**/*.test.ts"],
          exclude: ["test/**/*.node.test.ts", PEERS, ...(mode === "shared" ? MODELS : [])],
          browser: {
            enabled: true,
            fileParallelism: false, // one page: some tests crash its GPU process
            headless: true,
            screenshotFailures: false,
            provider: playwright({
              launchOptions: { ...(chrome && { executablePath: chrome }), args: CHROME_FLAGS },
            }),
            instances: [{ browser: "chromium" }],
            commands: {
              /** Kills Chrome's GPU process, as a driver crash would. */
              gpuCrash: async ({ context }) => {
                const session = await context.browser()?.newBrowserCDPSession();
                await session?.send("Browser.crashGpuProcess");
              },
            },
          },
        },
      },
    ],
  },
}));
