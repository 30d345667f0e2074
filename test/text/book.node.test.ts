import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build, createServer, type Rollup } from "vite";
import { describe, expect, it } from "vitest";
import { bookPlugin } from "../../demo/data/book-plugin.js";
import { BOOK, bookPath, readBook } from "../../src/cli/book.js";
import { countModelBitsPerChar } from "../../src/text/count-model.js";
import { countCharacters, splitText } from "../../src/text/dataset.js";

describe("the bundled book", () => {
  it("is the whole of Moby Dick in chapter order, and says whence and under which licence", async () => {
    const text = await readBook();
    expect(countCharacters(text)).toBe(1_190_317);
    const chapters = [...text.matchAll(/^CHAPTER (\d+)\./gm)].map((match) => Number(match[1]));
    expect(chapters.filter((chapter, i) => chapter > (chapters[i - 1] ?? 0)).length).toBeGreaterThan(133);
    expect(text.startsWith("CHAPTER 1. Loomings.")).toBe(true);
    expect(text).toContain("CHAPTER 135.");
    expect(bookPath()).toContain("node_modules");
    expect(BOOK.licence).toContain("CC0");
  });

  it("its last tenth costs an order-2 count model of the first nine about 2.9 bits per character", async () => {
    const { train, heldOut } = splitText(await readBook());
    const bits = countModelBitsPerChar(train, heldOut, 2, 0.1);
    console.log(`order-2 count model, add-0.1: ${bits.toFixed(4)} bits per character`);
    expect(bits).toBeGreaterThan(2.8);
    expect(bits).toBeLessThan(3);
  });
});

describe("bookPlugin", () => {
  const PAGE = 'import { book } from "virtual:book"; document.title = book.url + book.licence;';
  const inPage = async (work: (root: string) => Promise<void>) => {
    const root = await mkdtemp(join(tmpdir(), "page-"));
    try {
      await writeFile(join(root, "main.js"), PAGE);
      await work(root);
    } finally {
      await rm(root, { recursive: true });
    }
  };

  it("emits the book as a file beside the page's script, which holds only its address", () =>
    inPage(async (root) => {
      const built = (await build({
        root,
        configFile: false,
        logLevel: "error",
        plugins: [bookPlugin()],
        build: { write: false, rollupOptions: { input: join(root, "main.js") } },
      })) as Rollup.RollupOutput;
      const asset = built.output.find((file) => file.fileName === "book.txt") as Rollup.OutputAsset;
      expect(Buffer.from(asset.source).equals(await readFile(bookPath()))).toBe(true);
      const chunk = built.output.find((file) => file.type === "chunk") as Rollup.OutputChunk;
      expect(chunk.code).toContain("book.txt");
      expect(chunk.code).toContain("CC0");
      expect(chunk.code.length).toBeLessThan(2000);
    }));

  it("serves it while developing", () =>
    inPage(async (root) => {
      const server = await createServer({
        root,
        configFile: false,
        logLevel: "error",
        plugins: [bookPlugin()],
      });
      try {
        await server.listen();
        const response = await fetch(new URL("book.txt", server.resolvedUrls?.local[0]));
        expect(response.headers.get("content-type")).toContain("utf-8");
        expect(await response.text()).toBe(await readBook());
        expect((await server.transformRequest("/main.js"))?.code).toContain("virtual:book");
      } finally {
        await server.close();
      }
    }));
});
