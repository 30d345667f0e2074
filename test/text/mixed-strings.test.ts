// A thousand strings of everything that a text may hold, and texts of many megabytes, through every tokenizer that the
// library makes: what comes back is the text, but for what the tokenizers say that they cannot keep.
import { afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { Random } from "../../src/random.js";
import { trainBpe } from "../../src/text/bpe-training.js";
import { byteTokenizer } from "../../src/text/byte-tokenizer.js";
import { characterTokenizer } from "../../src/text/character-tokenizer.js";
import { ownTokenizer } from "../../src/text/load-tokenizer.js";
import { encodeText, type Tokenizer } from "../../src/text/tokenizer.js";

const LONE = ["\ud83d", "\udc69", "\ud800", "\udfff"];
/** Pieces by what is difficult about them. */
const PIECES: Readonly<Record<string, readonly string[]>> = {
  plain: ["whale", " the", "1851", "!?", "don't", "   ", "\n", "\r\n\t"],
  emoji: ["🐋", "👩‍👩‍👧", "🏴‍☠️", "👍🏽", "🇫🇷", "1️⃣"],
  combining: ["e\u0301", "a\u0308\u0323", "\u0301", "Z̷̢͉", "हिन्दी", "각"],
  cjk: ["白鲸", "鯨", "くじら", "고래", "𠀀𠮷", "。"],
  rightToLeft: ["לווייתן", "حوت", "\u202eabc\u202c", "\u200f"],
  controls: ["\0", "\u0001\u001f", "\u007f\u0085", "\ufeff", "\u200b", "\ufffd", "\uffff", "\u{10ffff}"],
  surrogates: LONE,
};
const COUNT = 1000;

function mixedStrings(): string[] {
  const random = new Random(15);
  const kinds = Object.values(PIECES);
  return Array.from({ length: COUNT }, () => {
    const length = 1 + random.below(24);
    const pieces = Array.from({ length }, () => {
      const kind = kinds[random.below(kinds.length)] as readonly string[];
      return kind[random.below(kind.length)] as string;
    });
    return pieces.join("");
  });
}

const STRINGS = mixedStrings();
/** As the tokenizers document it: UTF-8 has no half characters. */
const wellFormed = (text: string) =>
  text.replace(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, "\ufffd");
/** What the character tokenizer learns from; half of the strings have more. */
const SEEN = STRINGS.filter((_, i) => i % 2 === 0)
  .join("")
  .slice(0, 400);
const KNOWN = new Set(wellFormed(SEEN));

const TOKENIZERS: [name: string, make: () => Promise<Tokenizer>, kept: (text: string) => string][] = [
  ["bytes", async () => byteTokenizer(), wellFormed],
  ["bytes, offset 2", async () => byteTokenizer(2), wellFormed],
  [
    "characters",
    async () => characterTokenizer(SEEN),
    (text) => [...wellFormed(text)].map((one) => (KNOWN.has(one) ? one : "\ufffd")).join(""),
  ],
  ["bpe", () => trainBpe(STRINGS.join(" "), { vocabSize: 600 }), wellFormed],
];

describe.each(TOKENIZERS)("%s", (name, make, kept) => {
  let tokenizer: Tokenizer;
  beforeAll(async () => {
    tokenizer = await make();
  });

  it("1,000 mixed strings come back as documented, whole, in pieces, and from a saved tokenizer", async () => {
    const saved = ownTokenizer(JSON.parse(JSON.stringify(tokenizer))) as Tokenizer;
    let changed = 0;
    for (const text of STRINGS) {
      const ids = tokenizer.encode(text);
      const back = tokenizer.decode(ids);
      expect(back, JSON.stringify(text)).toBe(kept(text));
      if (back !== text) changed++;
      expect(await encodeText(tokenizer, text)).toEqual(ids);
      expect(saved.encode(text)).toEqual(ids);
      const decoder = tokenizer.decoder();
      const pieces = Array.from(ids, (id) => decoder.push(id));
      for (const piece of pieces) expect(wellFormed(piece)).toBe(piece); // no half of a character
      expect(pieces.join("") + decoder.end()).toBe(back);
      expect(tokenizer.encode(back)).toEqual(ids);
    }
    // The strings are as mixed as they should be: some have a lone surrogate, and others have none.
    expect(changed).toBeGreaterThan(COUNT / 10);
    if (name !== "characters") expect(changed).toBeLessThan(COUNT);
  });

  afterEach(() => vi.restoreAllMocks());

  it("a text of 8 MB is encoded in slices that tell how far they are, and stops where it is aborted", async () => {
    const unit = STRINGS.join("");
    const text = unit.repeat(Math.ceil((8 * 2 ** 20) / new TextEncoder().encode(unit).length));
    // A clock of its own: how many slices there are must not depend on how fast this machine is.
    let clock = 0;
    vi.spyOn(performance, "now").mockImplementation(() => {
      clock += 4;
      return clock;
    });
    const stop = new AbortController();
    const reason = new Error("enough");
    let seen = 0;
    const aborted = encodeText(tokenizer, text, {
      signal: stop.signal,
      onProgress: ({ loaded, total }) => {
        expect(total).toBe(text.length);
        expect(loaded).toBeGreaterThanOrEqual(seen);
        seen = loaded;
        if (loaded > total / 2) stop.abort(reason);
      },
    });
    await expect(aborted).rejects.toBe(reason);
    expect(seen).toBeLessThan(text.length);
    const told: number[] = [];
    const ids = await encodeText(tokenizer, text, { onProgress: ({ loaded }) => told.push(loaded) });
    expect(told.length).toBeGreaterThan(10);
    expect(told).toEqual([...told].sort((a, b) => a - b));
    expect(told.at(-1)).toBe(text.length);
    // Slices cut no token: a slice of a text is encoded as the text is.
    const short = tokenizer.encode(unit);
    const common = short.findIndex((id, i) => id !== ids[i]);
    expect(common < 0 || common > short.length - 8).toBe(true);
  });
});
