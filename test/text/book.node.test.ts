import { describe, expect, it } from "vitest";
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
