// What a user's bundler must find in the library word for word.
import type { Plugin } from "vite";

export interface Literal {
  /** End of the path of the module that says it. */
  readonly importer: string;
  readonly source: string;
  readonly placeholder: string;
  readonly literal: string;
}

/** Those of a page's models: the worker, and packages that few models need. */
export const PACKAGES = [
  { name: "pickleparser", exported: "Parser", file: "pickleparser.js", importer: "/src/io/torch-pickle.ts" },
  {
    name: "@huggingface/tokenizers",
    exported: "Tokenizer",
    file: "tokenizers.js",
    importer: "/src/text/public-tokenizer.ts",
  },
];

/** A worker's script by URL. */
export function workerLiteral(importer: string, source: string, file: string, name: string): Literal {
  return {
    importer,
    source: `new Worker(new URL("${source}", import.meta.url), { type: "module", name: "${name}" })`,
    placeholder: `__WORKER_${name}__`,
    literal: `new Worker(new URL("./${file}",import.meta.url),{type:"module",name:"${name}"})`,
  };
}

export const MODEL_LITERALS: readonly Literal[] = [
  workerLiteral("/src/open-model.ts", "./worker.ts", "worker.js", "webgpu-reformer"),
  // By URL, not as modules: bundlers copy such files as they are. Vite puts a worker into a single script by default,
  // and before Vite 8 it refuses one that imports modules later.
  ...PACKAGES.map(({ name, file, importer }, i) => ({
    importer,
    source: `import("${name}")`,
    placeholder: `__SEPARATE_${i}__`,
    literal: `import(/* @vite-ignore */ /* webpackIgnore: true */ new URL("./${file}",import.meta.url).href)`,
  })),
];

/**
 * Vite plugin: keeps them. Vite would resolve each and the minifier would rewrite it, so a placeholder stands for it until
 * the files are written.
 */
export function literals(list: readonly Literal[]): Plugin {
  const replaced = new Set<Literal>();
  return {
    name: "literals",
    enforce: "pre",
    transform(code, id) {
      return list
        .filter(({ importer }) => id.endsWith(importer))
        .reduce((all, one) => {
          if (!all.includes(one.source)) this.error(`${one.importer} does not say ${one.source}.`);
          replaced.add(one);
          return all.replace(one.source, one.placeholder);
        }, code);
    },
    generateBundle(_options, bundle) {
      const unmet = list.find((one) => !replaced.has(one));
      if (unmet) this.error(`${unmet.importer} is not in this build, but should say ${unmet.source}.`);
      const chunks = Object.values(bundle).filter((file) => file.type === "chunk");
      for (const { source, placeholder, literal } of replaced) {
        const found = chunks.filter(({ code }) => code.includes(placeholder));
        if (found.length > 1) this.error(`${source} must be in one file, not in ${found.length}.`);
        for (const chunk of found) chunk.code = chunk.code.replace(placeholder, literal);
      }
      // The minifier writes import(`./x.js`), which not every tool takes for a constant.
      for (const chunk of chunks)
        chunk.code = chunk.code.replace(/\bimport\(`([\w./@-]+)`\)/g, 'import("$1")');
    },
  };
}
