/** Empty pages that install the packed library: Vite (dev and build), webpack, and no bundler at all. */
import { cp, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { build, createServer as createViteServer } from "vite";
import webpack from "webpack";
import { type Served, serveFolder } from "../support/static-server.js";

/** A way to serve a project, and the kind of worker that its page must end up with. */
export interface Way {
  readonly name: string;
  readonly worker: "url" | "inline";
  /** Takes the folder of a project. */
  serve(folder: string): Promise<Served>;
}

const html = (head: string) =>
  `<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><title>page</title>${head}`;

/** An empty project: `main.js`, a page for it, and `book.txt` beside the page. */
export async function writeProject(folder: string, program: string, text: string): Promise<void> {
  await mkdir(join(folder, "public"), { recursive: true });
  await writeFile(join(folder, "main.js"), program);
  await writeFile(join(folder, "public/book.txt"), text);
  await writeFile(join(folder, "index.html"), html('<script type="module" src="./main.js"></script>'));
}

const vite = (folder: string) => ({
  root: folder,
  configFile: false as const,
  logLevel: "error" as const,
  base: "./",
  build: { target: "esnext", outDir: "built" },
});

export const WAYS: readonly Way[] = [
  {
    name: "Vite, built",
    worker: "url",
    async serve(folder) {
      await build(vite(folder));
      return serveFolder(join(folder, "built"));
    },
  },

  {
    name: "Vite, development server",
    worker: "url",
    async serve(folder) {
      const server = await createViteServer({ ...vite(folder), server: { host: "127.0.0.1", port: 0 } });
      await server.listen();
      const url = server.resolvedUrls?.local[0];
      if (!url) throw new Error("Vite's development server has no address.");
      return { url, close: () => server.close() };
    },
  },

  {
    name: "webpack",
    worker: "url",
    async serve(folder) {
      const output = join(folder, "packed");
      await runWebpack({
        mode: "production",
        context: folder,
        entry: "./main.js",
        output: { path: output, filename: "main.js" },
        experiments: { topLevelAwait: true },
        performance: false,
      });
      await cp(join(folder, "public"), output, { recursive: true });
      await writeFile(join(output, "index.html"), html('<script src="./main.js" defer></script>'));
      return serveFolder(output);
    },
  },

  {
    name: "no bundler",
    worker: "url",
    async serve(folder) {
      await writeFile(join(folder, "plain.html"), plainPage("./node_modules/webgpu-reformer/dist/index.js"));
      await cp(join(folder, "public"), folder, { recursive: true });
      const page = await serveFolder(folder);
      return { ...page, url: `${page.url}plain.html` };
    },
  },

  {
    name: "no bundler, library from another origin",
    worker: "inline",
    async serve(folder) {
      const other = await serveFolder(join(folder, "node_modules/webgpu-reformer"), {
        headers: { "Access-Control-Allow-Origin": "*" },
      });
      await writeFile(join(folder, "other.html"), plainPage(`${other.url}dist/index.js`));
      await cp(join(folder, "public"), folder, { recursive: true });
      const page = await serveFolder(folder);
      const close = async () => void (await Promise.all([page.close(), other.close()]));
      return { url: `${page.url}other.html`, close };
    },
  },
];

/** A page that knows from an import map where the library is. */
function plainPage(library: string): string {
  const map = JSON.stringify({ imports: { "webgpu-reformer": library } });
  return html(`<script type="importmap">${map}</script><script type="module" src="./main.js"></script>`);
}

async function runWebpack(options: webpack.Configuration): Promise<void> {
  const compiler = webpack(options);
  const stats = await promisify(compiler.run.bind(compiler))();
  await promisify(compiler.close.bind(compiler))();
  if (stats?.hasErrors()) throw new Error(stats.toString({ all: false, errors: true }));
}
