// The library: ES modules for `npm pack`. Its types come from tsc, its page from vite.config.ts, the elements of the course
// from vite.elements.config.ts.
import { build, defineConfig, type Plugin } from "vite";
import { licences } from "./src/cli/licences.js";
import { literals, MODEL_LITERALS, PACKAGES } from "./src/cli/literals.js";
import { plainShaders } from "./src/cli/plain-shaders.js";

const TARGET = "es2022";

/** Packages that are bundled; their licences ask to be passed on. */
const BUNDLED = ["comlink", "pickleparser", "@huggingface/tokenizers"];

/** Emits each separate package as one file that imports nothing. */
function separatePackages(): Plugin {
  return {
    name: "separate-packages",
    async generateBundle() {
      for (const { name, exported, file } of PACKAGES) {
        this.emitFile({ type: "asset", fileName: file, source: await bundlePackage(name, exported) });
      }
    },
  };
}

async function bundlePackage(name: string, exported: string): Promise<string> {
  const entry = "virtual:entry";
  const source: Plugin = {
    name: "entry",
    resolveId: (id) => (id.endsWith(entry) ? entry : undefined), // Vite puts the root before it
    load: (id) => (id === entry ? `export { ${exported} } from "${name}";` : undefined),
  };
  const result = await build({
    configFile: false,
    publicDir: false,
    logLevel: "warn",
    plugins: [source],
    build: {
      target: TARGET,
      write: false,
      lib: { entry, formats: ["es"] },
      rolldownOptions: { output: { minify: true, codeSplitting: false } },
    },
  });
  const [output] = Array.isArray(result) ? result : [];
  if (output?.output.length !== 1) throw new Error(`${name} did not become one file.`);
  return output.output[0].code;
}

export default defineConfig({
  publicDir: false,
  plugins: [plainShaders(), literals(MODEL_LITERALS), separatePackages(), licences(BUNDLED)],
  // One piece with everything in it: the inline worker is a blob, from which no other file can be found.
  worker: {
    format: "es",
    plugins: () => [plainShaders()],
    rolldownOptions: { output: { codeSplitting: false } },
  },
  build: {
    target: TARGET,
    outDir: "dist",
    emptyOutDir: true,
    lib: {
      entry: Object.fromEntries(
        ["index", "kernels", "metrics", "worker", "inline", "node"].map((name) => [name, `src/${name}.ts`]),
      ),
      formats: ["es"],
    },
    rolldownOptions: {
      external: ["webgpu", /^node:/],
      output: {
        entryFileNames: "[name].js",
        chunkFileNames: "[name]-[hash].js",
        minify: true, // Vite leaves the white space of ES libraries
      },
    },
  },
});
