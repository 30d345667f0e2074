// The library: ES modules for `npm pack`. Its types come from tsc, its page from vite.config.ts.
import { readFileSync } from "node:fs";
import { build, defineConfig, type Plugin } from "vite";
import { plainShaders } from "./src/cli/plain-shaders.js";

const TARGET = "es2022";

/** Packages that are bundled; their licences ask to be passed on. */
const BUNDLED = ["comlink", "pickleparser", "@huggingface/tokenizers"];

/** Of those, what few models need: files of their own, loaded by `import()`. */
const SEPARATE = [
  { name: "pickleparser", exported: "Parser", file: "pickleparser.js", importer: "/src/io/torch-pickle.ts" },
  {
    name: "@huggingface/tokenizers",
    exported: "Tokenizer",
    file: "tokenizers.js",
    importer: "/src/text/public-tokenizer.ts",
  },
];

/**
 * What a user's bundler must find word for word. Vite would resolve it and the minifier would rewrite it, so a
 * placeholder stands for it until the files are written.
 */
const LITERALS = [
  {
    importer: "/src/open-model.ts",
    source:
      'new Worker(new URL("./worker.ts", import.meta.url), { type: "module", name: "webgpu-reformer" })',
    placeholder: "__WORKER__",
    literal: 'new Worker(new URL("./worker.js",import.meta.url),{type:"module",name:"webgpu-reformer"})',
  },
  // By URL, not as modules: bundlers copy such files as they are. Vite puts a worker into a single script by default,
  // and before Vite 8 it refuses one that imports modules later.
  ...SEPARATE.map(({ name, file, importer }, i) => ({
    importer,
    source: `import("${name}")`,
    placeholder: `__SEPARATE_${i}__`,
    literal: `import(/* @vite-ignore */ /* webpackIgnore: true */ new URL("./${file}",import.meta.url).href)`,
  })),
];

function literals(): Plugin {
  return {
    name: "literals",
    enforce: "pre",
    transform(code, id) {
      const here = LITERALS.filter(({ importer }) => id.endsWith(importer));
      return here.reduce((all, { source, placeholder }) => all.replace(source, placeholder), code);
    },
    generateBundle(_options, bundle) {
      const chunks = Object.values(bundle).filter((file) => file.type === "chunk");
      for (const { importer, source, placeholder, literal } of LITERALS) {
        const found = chunks.filter(({ code }) => code.includes(placeholder));
        if (found.length !== 1)
          this.error(`${source} must occur once in ${importer}, not ${found.length} times.`);
        for (const chunk of found) chunk.code = chunk.code.replace(placeholder, literal);
      }
      // The minifier writes import(`./x.js`), which not every tool takes for a constant.
      for (const chunk of chunks)
        chunk.code = chunk.code.replace(/\bimport\(`([\w./@-]+)`\)/g, 'import("$1")');
    },
  };
}

/** Emits each separate package as one file that imports nothing. */
function separatePackages(): Plugin {
  return {
    name: "separate-packages",
    async generateBundle() {
      for (const { name, exported, file } of SEPARATE) {
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
  plugins: [plainShaders(), literals(), separatePackages(), passOnLicences()],
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
        ["index", "kernels", "worker", "inline", "node"].map((name) => [name, `src/${name}.ts`]),
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
