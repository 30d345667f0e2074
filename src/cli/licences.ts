// Licences of the packages that a build bundles ask to be passed on.
import { readFileSync } from "node:fs";
import type { Plugin } from "vite";

/** Vite plugin: emits the licence of each package beside the build. */
export function licences(packages: readonly string[]): Plugin {
  return {
    name: "licences",
    generateBundle() {
      for (const name of packages) {
        const source = readFileSync(`node_modules/${name}/LICENSE`, "utf8");
        this.emitFile({ type: "asset", fileName: `${name.replace(/.*\//, "")}.LICENSE.txt`, source });
      }
    },
  };
}
