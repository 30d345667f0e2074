import { describe, expect, test } from "vitest";
import { tokenSpans } from "../../src/text/alignment.js";
import { trainBpe } from "../../src/text/bpe-training.js";
import { byteTokenizer } from "../../src/text/byte-tokenizer.js";
import { characterTokenizer } from "../../src/text/character-tokenizer.js";
import { loadTokenizer } from "../../src/text/load-tokenizer.js";
import type { Tokenizer } from "../../src/text/tokenizer.js";
import { UNIGRAM_SIZE, unigramJson } from "./unigram-json.js";

const parts = (tokenizer: Tokenizer, text: string) =>
  tokenSpans(tokenizer, tokenizer.encode(text), text).map(({ start, end }) => text.slice(start, end));
const unigram = () => loadTokenizer(unigramJson(), UNIGRAM_SIZE);

/** Words in small letters without accents, others unknown, as uncased models have them. */
function uncased(): Promise<Tokenizer> {
  const words = ["[UNK]", "the", "cafe", "was", "open", "##s"];
  return loadTokenizer(
    {
      version: "1.0",
      added_tokens: [
        {
          id: 0,
          content: "[UNK]",
          special: true,
          single_word: false,
          lstrip: false,
          rstrip: false,
          normalized: false,
        },
      ],
      normalizer: {
        type: "BertNormalizer",
        clean_text: true,
        handle_chinese_chars: true,
        strip_accents: null,
        lowercase: true,
      },
      pre_tokenizer: { type: "BertPreTokenizer" },
      post_processor: null,
      decoder: { type: "WordPiece", prefix: "##", cleanup: false },
      model: {
        type: "WordPiece",
        unk_token: "[UNK]",
        continuing_subword_prefix: "##",
        max_input_chars_per_word: 100,
        vocab: Object.fromEntries(words.map((word, id) => [word, id])),
      },
    },
    words.length,
  );
}

describe("tokenSpans(tokenizer, tokens, text)", () => {
  test("bytes: every byte of a character counts as all of it", () => {
    expect(parts(byteTokenizer(), "né😀")).toEqual(["n", "é", "é", "😀", "😀", "😀", "😀"]);
  });

  test("characters, and pieces of words: one after another", async () => {
    const text = "the whale, the white whale";
    expect(parts(characterTokenizer(text), text)).toEqual([...text]);
    expect(parts(await trainBpe(text, { vocabSize: 280 }), text).join("")).toBe(text);
  });

  test("a lone surrogate is read as another character of its length", () => {
    expect(parts(byteTokenizer(), "a\ud800b")).toEqual(["a", "\ud800", "\ud800", "\ud800", "b"]);
  });

  test("a tokenizer that puts a space before the text: no part is moved by it", async () => {
    const text = "he was the and";
    expect(parts(await unigram(), text)).toEqual(["he", "was", "the", "and"]);
  });

  test("runs of spaces read as one: what follows stays where it is", async () => {
    expect(parts(await unigram(), "he    was   the")).toEqual(["he", "was", "the"]);
  });

  test("unknown characters, one token for several, have what lies between", async () => {
    const text = `he was ${"白鲸在海上😀".repeat(40)} the street`;
    const found = parts(await unigram(), text);
    expect(found.slice(0, 2)).toEqual(["he", "was"]);
    expect(found.slice(-2)).toEqual(["the", "street"]);
    expect(found.some((part) => part.includes("白鲸"))).toBe(true);
  });

  test("case, accents and ligatures that the normalizer takes away", async () => {
    expect(parts(await uncased(), "THE Cafés  was Open")).toEqual(["THE", "Café", "s", "was", "Open"]);
  });

  test("nothing, and a text of 100,000 unknown characters, in time that grows with its length alone", async () => {
    expect(parts(await unigram(), "")).toEqual([]);
    const text = "he 白 ".repeat(33_333);
    const found = parts(await unigram(), text);
    expect(found.filter((part) => part === "he").length).toBe(33_333);
  });
});
