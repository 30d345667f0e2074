// The stations of the course as custom elements, beside the library: `webgpu-reformer/elements`.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { build, defineConfig, type Plugin } from "vite";
import { bookPlugin } from "./demo/data/book-plugin.js";
import { licences } from "./src/cli/licences.js";
import { literals, MODEL_LITERALS, workerLiteral } from "./src/cli/literals.js";
import { plainShaders } from "./src/cli/plain-shaders.js";

const TARGET = "es2022";
/** The folder of what stations fetch when they need it. */
const COURSE = "course/";
const MODELS = "demo/public/models";

const WORKERS = [
  {
    file: "course-lab.js",
    script: "demo/lab/worker.ts",
    literal: ["/demo/lab/client.ts", "./worker.ts", "lab"],
  },
  {
    file: "course-planner.js",
    script: "demo/plan-worker.ts",
    literal: ["/demo/planner.ts", "./plan-worker.ts", "plan"],
  },
] as const;

/** Emits each worker as one file that imports nothing by name, so that every bundler takes it. */
function workers(): Plugin {
  return {
    name: "workers",
    async generateBundle() {
      for (const { file, script } of WORKERS)
        this.emitFile({ type: "asset", fileName: file, source: await bundleWorker(script) });
    },
  };
}

/** Models in these workers are made on their own thread: what starts workers and talks to them would never be used. */
const UNUSED = {
  "/src/inline.ts": "createWorker",
  "/src/worker/client.ts": "openModel",
  "/src/worker/connection.ts": "connect",
};
const noWorkersOfTheirs: Plugin = {
  name: "no-workers-of-theirs",
  enforce: "pre",
  load(id) {
    const unused = Object.entries(UNUSED).find(([path]) => id.endsWith(path));
    return unused && `export const ${unused[1]} = undefined;`;
  },
};

async function bundleWorker(entry: string): Promise<string> {
  const result = await build({
    configFile: false,
    publicDir: false,
    logLevel: "warn",
    plugins: [plainShaders(), noWorkersOfTheirs, literals(MODEL_LITERALS)],
    build: {
      target: TARGET,
      write: false,
      lib: { entry, formats: ["es"] },
      rolldownOptions: { external: ["webgpu", /^node:/], output: { minify: true, codeSplitting: false } },
    },
  });
  const [output] = Array.isArray(result) ? result : [];
  if (output?.output.length !== 1) throw new Error(`${entry} did not become one file.`);
  return output.output[0].code;
}

/** The small models that come with the page, and the types. */
function files(): Plugin {
  return {
    name: "files",
    generateBundle() {
      for (const entry of readdirSync(MODELS, { withFileTypes: true, recursive: true })) {
        if (!entry.isFile()) continue;
        const path = join(entry.parentPath, entry.name);
        const fileName = COURSE + path.replace(/^demo\/public\//, "");
        this.emitFile({ type: "asset", fileName, source: readFileSync(path) });
      }
      const types = readFileSync("demo/station-elements-api.ts", "utf8");
      this.emitFile({ type: "asset", fileName: "elements.d.ts", source: types });
    },
  };
}

export default defineConfig({
  publicDir: false,
  plugins: [
    bookPlugin(COURSE),
    literals(
      WORKERS.map(({ file, literal: [importer, source, name] }) =>
        workerLiteral(importer, source, file, name),
      ),
    ),
    workers(),
    files(),
    licences(["lit"]), // comlink's is the library's
  ],
  build: {
    target: TARGET,
    outDir: "dist",
    emptyOutDir: false, // the library is in it
    lib: { entry: { elements: "demo/station-elements.ts" }, formats: ["es"] },
    rolldownOptions: {
      output: { entryFileNames: "[name].js", chunkFileNames: "elements-[name]-[hash].js", minify: true },
    },
  },
});
