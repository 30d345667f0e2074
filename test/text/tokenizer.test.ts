import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { ConfigError, TextError } from "../../src/errors.js";
import { bpeTokenizer, type Merge } from "../../src/text/bpe-tokenizer.js";
import { trainBpe } from "../../src/text/bpe-training.js";
import { byteTokenizer } from "../../src/text/byte-tokenizer.js";
import { characterTokenizer } from "../../src/text/character-tokenizer.js";
import { loadTokenizer, ownTokenizer, sameTokenizer } from "../../src/text/load-tokenizer.js";
import { mergesJson } from "../../src/text/standard-json.js";
import { encodeText, type Tokenizer } from "../../src/text/tokenizer.js";

const TEXT =
  "The whale, the white whale! 白鲸在海上。鲸鱼、白鲸、白鲸。 1851 was 175 years ago;\n\tnaïve café — 👩‍👩‍👧 हिन्दी עברית\r\n";

const makers: [name: string, make: () => Promise<Tokenizer>][] = [
  ["bytes", async () => byteTokenizer()],
  ["bytes, offset 2", async () => byteTokenizer(2)],
  ["characters", async () => characterTokenizer(TEXT)],
  ["bpe", () => trainBpe(TEXT.repeat(4), { vocabSize: 300 })],
];

describe.each(makers)("%s tokenizer", (_name, make) => {
  let tokenizer: Tokenizer;
  beforeAll(async () => {
    tokenizer = await make();
  });

  it("decode(encode(text)) is the text, ids stay below vocabSize", () => {
    const ids = tokenizer.encode(TEXT);
    expect(tokenizer.decode(ids)).toBe(TEXT);
    expect(Math.max(...ids)).toBeLessThan(tokenizer.vocabSize);
  });

  it.each([
    ["empty", "", ""],
    ["a lone surrogate", "whale\ud800whale", "whale\ufffdwhale"],
  ])("encodes %s", (_why, text, expected) => {
    expect(tokenizer.decode(tokenizer.encode(text))).toBe(expected);
  });

  it("decoder() never emits half a character and gives the same text", () => {
    const decoder = tokenizer.decoder();
    const pieces = [...tokenizer.encode(TEXT)].map((id) => decoder.push(id));
    for (const piece of pieces) expect(piece).not.toMatch(/\p{Cs}|\ufffd/u);
    expect(pieces.join("") + decoder.end()).toBe(TEXT);
    expect(decoder.push(tokenizer.encode("a")[0]!)).toBe("a");
  });

  it("encodes a million characters without exhausting the stack, in slices, and reports progress to the end", async () => {
    const text = TEXT.repeat(Math.ceil(1_000_000 / TEXT.length));
    const seen: number[] = [];
    const ids = await encodeText(tokenizer, text, {
      onProgress: ({ loaded, total }) => {
        expect(total).toBe(text.length);
        seen.push(loaded);
      },
    });
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
    expect(seen.at(-1)).toBe(text.length);
    expect(tokenizer.decode(ids)).toBe(text);
  });

  it("an aborted signal stops encodeText with the signal's reason", async () => {
    const reason = new Error("enough");
    await expect(encodeText(tokenizer, TEXT, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });

  it("ownTokenizer(toJSON()) gives the same ids", () => {
    const loaded = ownTokenizer(JSON.parse(JSON.stringify(tokenizer)))!;
    expect(loaded.encode(TEXT)).toEqual(tokenizer.encode(TEXT));
    expect(sameTokenizer(loaded.toJSON(), tokenizer.toJSON())).toBe(true);
    expect(loaded.vocabSize).toBe(tokenizer.vocabSize);
  });

  it.each([-1, 1e6, 0.5])("decode refuses id %d", (id) => {
    expect(() => tokenizer.decode([id])).toThrow(TextError);
    expect(() => tokenizer.decoder().push(id)).toThrow(TextError);
  });
});

it.each(makers.filter(([name]) => name !== "characters"))(
  "%s: any text survives, characters never seen included",
  async (_name, make) => {
    const tokenizer = await make();
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 60 }), (text) => {
        expect(tokenizer.decode(tokenizer.encode(text))).toBe(text);
      }),
      { seed: 1, numRuns: 100 },
    );
  },
);

describe("byteTokenizer", () => {
  it("is the UTF-8 bytes; a byte-order mark stays", () => {
    expect([...byteTokenizer().encode("aé")]).toEqual([97, 0xc3, 0xa9]);
    expect(byteTokenizer().decode(byteTokenizer().encode("\ufeffa"))).toBe("\ufeffa");
  });

  it("with offset 2 is the public enwik8 code, where ids 0 and 1 are silent", () => {
    const tokenizer = byteTokenizer(2);
    expect([...tokenizer.encode("ab")]).toEqual([99, 100]);
    expect(tokenizer.decode([0, 99, 1])).toBe("a");
    expect(tokenizer.vocabSize).toBe(258);
  });

  it("invalid bytes decode to U+FFFD, an unfinished character only at the end", () => {
    expect(byteTokenizer().decode([0xff, 97])).toBe("\ufffda");
    const decoder = byteTokenizer().decoder();
    expect(decoder.push(0xe7) + decoder.push(0x99)).toBe("");
    expect(decoder.end()).toBe("\ufffd");
  });
});

describe("characterTokenizer", () => {
  it("numbers characters in code-point order from 1; 0 is any other", () => {
    const tokenizer = characterTokenizer("cab👩a");
    expect([...tokenizer.encode("abc👩x")]).toEqual([1, 2, 3, 4, 0]);
    expect(tokenizer.decode([0, 4])).toBe("\ufffd👩");
    expect(tokenizer.vocabSize).toBe(5);
  });

  it("refuses an empty text", () => {
    expect(() => characterTokenizer("")).toThrow(TextError);
  });
});

describe("trainBpe", () => {
  it("merges the most frequent pair first; of equals the one of lowest ids", async () => {
    const tokenizer = await trainBpe("ab ab ab cd cd", { vocabSize: 260 });
    // "ab" three times; then " c" (32, 99), " ab" (32, 256) and "cd" (99, 100) twice each, lowest ids first; then
    // only " c"+"d" is left.
    expect(mergesOf(tokenizer)).toEqual(["a b", "Ġ c", "Ġ ab", "Ġc d"]);
    expect([...tokenizer.encode("ab ab cd")]).toEqual([256, 258, 259]);
  });

  it("equals counting all pairs anew before every merge", async () => {
    const text = `${TEXT.repeat(2)}banana bandana aaaa aaaaaa ananas`;
    const tokenizer = await trainBpe(text, { vocabSize: 330 });
    expect(mergesOf(tokenizer)).toEqual(mergesOf(bpeTokenizer(slowMerges(text, 330 - 256))));
  });

  it("stops where no pair occurs twice, with the vocabulary it has", async () => {
    expect((await trainBpe("abc", { vocabSize: 500 })).vocabSize).toBe(256);
  });

  it("learns 1,000 merges from a megabyte in under ten seconds, and halves the tokens", async () => {
    // Words of a made-up language with frequencies 1/rank: 30,000 different ones, as in a long book.
    const word = (rank: number) =>
      (rank * 7919 + 13).toString(26).replace(/\d/g, (digit) => "aeioutnrsl"[+digit]!);
    let text = "";
    for (let i = 0; text.length < 1_000_000; i++)
      text += `${word(Math.floor(30_000 ** ((i * 0.618034) % 1)))} `;
    const start = performance.now();
    const tokenizer = await trainBpe(text, { vocabSize: 1256 });
    const seconds = (performance.now() - start) / 1000;
    expect(seconds).toBeLessThan(10);
    expect(tokenizer.vocabSize).toBe(1256);
    expect(tokenizer.encode(text).length).toBeLessThan(text.length / 2);
  });

  it("refuses an empty text, a vocabulary out of range and an aborted signal", async () => {
    await expect(trainBpe("")).rejects.toThrow(TextError);
    for (const vocabSize of [256, 65_537, 300.5]) {
      await expect(trainBpe("abc", { vocabSize })).rejects.toThrow(ConfigError);
    }
    const reason = new Error("enough");
    await expect(trainBpe("abc", { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });
});

describe("ownTokenizer, loadTokenizer", () => {
  it.each<[string, Tokenizer, unknown]>([
    ["bytes", byteTokenizer(2), { type: "bytes", offset: 2 }],
    ["characters", characterTokenizer("abc"), { type: "characters", characters: ["a", "b", "c"] }],
    ["merges", bpeTokenizer([[97, 98]]), { type: "bpe", merges: [[97, 98]] }],
  ])("reads %s as older versions wrote them, and counts them the same", (_name, tokenizer, older) => {
    expect(ownTokenizer(older as never)!.encode("abc")).toEqual(tokenizer.encode("abc"));
    expect(sameTokenizer(older, tokenizer.toJSON())).toBe(true);
    expect(sameTokenizer(older, byteTokenizer(7).toJSON())).toBe(false);
  });

  it("keeps an older vocabulary in which two tokens have the same bytes", () => {
    const merges: Merge[] = [
      [97, 98],
      [256, 99],
      [98, 99],
      [97, 258],
    ];
    const json = bpeTokenizer(merges).toJSON();
    expect(json).toEqual({ type: "bpe", merges });
    expect(ownTokenizer(json)!.vocabSize).toBe(260);
  });

  const doubling = [[97, 97], ...Array.from({ length: 30 }, (_, i) => [256 + i, 256 + i])];
  it.each([
    ["null", null],
    ["no type", {}],
    ["a model without its vocabulary", { version: "1.0", model: { type: "BPE" } }],
    [
      "merges of unknown tokens",
      { ...mergesJson([], [], "."), model: { type: "BPE", vocab: {}, merges: ["a b"] } },
    ],
    ["a text", "tokenizer"],
    ["a negative offset", { type: "bytes", offset: -1 }],
    ["a huge offset", { type: "bytes", offset: 1e9 }],
    ["characters that are no list", { type: "characters", characters: "abc" }],
    ["two characters in one", { type: "characters", characters: ["ab"] }],
    ["a repeated character", { type: "characters", characters: ["a", "a"] }],
    ["half a character", { type: "characters", characters: ["\ud800"] }],
    ["a merge of a later token", { type: "bpe", merges: [[97, 256]] }],
    ["a merge of three", { type: "bpe", merges: [[97, 98, 99]] }],
    ["a merge of strings", { type: "bpe", merges: [["a", "b"]] }],
    ["tokens that double in length 30 times", { type: "bpe", merges: doubling }],
  ])("refuses %s", async (_why, json) => {
    await expect(loadTokenizer(json, 256)).rejects.toThrow(TextError);
  });

  it("reads an empty list of merges as plain bytes", () => {
    expect([...bpeTokenizer([]).encode("ab")]).toEqual([97, 98]);
  });
});

/** Of a tokenizer.json. */
function mergesOf(tokenizer: Tokenizer): unknown {
  return (tokenizer.toJSON().model as { readonly merges: unknown }).merges;
}

/** Byte-pair learning as it is usually defined: count everything, merge, repeat. Pieces cut as the tokenizer does. */
function slowMerges(text: string, wanted: number): [number, number][] {
  const pieces = text.match(/ ?[\p{L}\p{M}]{1,24}| ?\p{N}{1,3}| ?[^\s\p{L}\p{M}\p{N}]{1,16}|\s/gu) ?? [];
  let words = pieces.map((piece) => [...new TextEncoder().encode(piece)]);
  const merges: [number, number][] = [];
  const texts = Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte));
  while (merges.length < wanted) {
    const counts = new Map<string, number>();
    for (const ids of words) {
      for (let i = 0; i + 1 < ids.length; i++) {
        counts.set(`${ids[i]},${ids[i + 1]}`, (counts.get(`${ids[i]},${ids[i + 1]}`) ?? 0) + 1);
      }
    }
    const ranked = [...counts].map(([pair, n]) => ({
      pair: pair.split(",").map(Number) as [number, number],
      n,
    }));
    ranked.sort((x, y) => y.n - x.n || x.pair[0] - y.pair[0] || x.pair[1] - y.pair[1]);
    const best = ranked.find(({ pair }) => !texts.includes(texts[pair[0]]! + texts[pair[1]]!)); // tokens differ
    if (!best || best.n < 2) break;
    texts.push(texts[best.pair[0]]! + texts[best.pair[1]]!);
    const id = 255 + merges.push(best.pair);
    words = words.map((ids) => {
      const out: number[] = [];
      for (let i = 0; i < ids.length; i++) {
        const found = ids[i] === best.pair[0] && ids[i + 1] === best.pair[1];
        out.push(found ? id : ids[i]!);
        if (found) i++;
      }
      return out;
    });
  }
  return merges;
}
