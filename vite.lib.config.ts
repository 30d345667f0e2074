// The library: ES modules for `npm pack`. Its types come from tsc, its page from vite.config.ts.
import { readFileSync } from "node:fs";
import { defineConfig, type Plugin } from "vite";

const SOURCE_URL = 'new URL("./worker.ts", import.meta.url)';
const PLACEHOLDER = "__WEBGPU_REFORMER_WORKER__";
const DIST_URL = 'new URL("./worker.js", import.meta.url)';

/**
 * Keeps the worker's address as the literal that every bundler of a user recognises; Vite would make it an absolute
 * path to an asset of its own.
 */
function literalWorkerUrl(): Plugin {
  let found = 0;
  return {
    name: "literal-worker-url",
    enforce: "pre",
    transform(code, id) {
      if (!id.endsWith("/src/open-model.ts")) return undefined;
      return code.replace(SOURCE_URL, PLACEHOLDER);
    },
    renderChunk(code) {
      if (!code.includes(PLACEHOLDER)) return undefined;
      found++;
      return code.replace(PLACEHOLDER, DIST_URL);
    },
    generateBundle() {
      if (found !== 1)
        this.error(`${SOURCE_URL} must occur once in src/open-model.ts, but was replaced ${found} times`);
    },
  };
}

/** WGSL without its comments; line numbers stay, so compiler messages still fit the sources. */
function plainShaders(): Plugin {
  return {
    name: "plain-shaders",
    enforce: "pre",
    load(id) {
      if (!id.endsWith(".wgsl?raw")) return undefined;
      const source = readFileSync(id.slice(0, -"?raw".length), "utf8");
      return `export default ${JSON.stringify(source.replace(/[ \t]*\/\/.*$/gm, ""))};`;
    },
  };
}

/** Packages that are bundled; their licences ask to be passed on. */
const BUNDLED = ["comlink", "pickleparser", "@huggingface/tokenizers"];

function passOnLicences(): Plugin {
  return {
    name: "pass-on-licences",
    generateBundle() {
      for (const name of BUNDLED) {
        const source = readFileSync(`node_modules/${name}/LICENSE`, "utf8");
        this.emitFile({ type: "asset", fileName: `${name.replace(/.*\//, "")}.LICENSE.txt`, source });
      }
    },
  };
}

export default defineConfig({
  publicDir: false,
  plugins: [literalWorkerUrl(), plainShaders(), passOnLicences()],
  // One piece: the inline worker is a blob, from which no other file can be imported.
  worker: {
    format: "es",
    plugins: () => [plainShaders()],
    rolldownOptions: { output: { codeSplitting: false } },
  },
  build: {
    target: "es2022",
    outDir: "dist",
    emptyOutDir: true,
    minify: false,
    lib: {
      entry: Object.fromEntries(
        ["index", "kernels", "worker", "inline", "node"].map((name) => [name, `src/${name}.ts`]),
      ),
      formats: ["es"],
    },
    rolldownOptions: {
      external: ["webgpu", /^node:/],
      output: { entryFileNames: "[name].js", chunkFileNames: "[name]-[hash].js" },
    },
  },
});
