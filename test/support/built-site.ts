/**
 * The page as it is built, for all tests of a run: built when the first of them opens it. Beside it stands the page with a
 * model that only pretends. Vitest calls this once, before the tests.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "vite";
import type { TestProject } from "vitest/node";
import { serveFolder } from "./static-server.js";

declare module "vitest" {
  interface ProvidedContext {
    /** Address of the page's folder. */
    readonly site: string;
  }
}

export async function setup({ provide }: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), "site-"));
  const make = () =>
    build({
      base: "/", // the pretending page stands in another folder than the page's files
      logLevel: "error",
      build: {
        outDir: folder,
        emptyOutDir: true,
        rolldownOptions: { input: ["index.html", "test/e2e/fake/fake.html"] },
      },
    });
  let made: Promise<unknown> | undefined;
  const served = await serveFolder(folder, {
    ready: () => {
      made ??= make();
      return made;
    },
  });
  provide("site", served.url);
  return async () => {
    await served.close();
    await rm(folder, { recursive: true });
  };
}
