// Steps of tokenizer.json files against what Hugging Face's `tokenizers` makes of them, recorded.
import { describe, expect, it } from "vitest";
import { TextError } from "../../src/errors.js";
import { loadTokenizer } from "../../src/text/load-tokenizer.js";
import { quickest } from "../support/quickest.js";
import { charsmapTable } from "./charsmap-table.js";

/** What a text is cut into: the words of a vocabulary of the expected ones. */
async function piecesOf(
  text: string,
  { normalizer = null, preTokenizer = null }: { normalizer?: unknown; preTokenizer?: unknown },
  expected: readonly string[],
): Promise<string[]> {
  const words = ["<unk>", ...new Set(expected)];
  const vocab = Object.fromEntries(words.map((word, id) => [word, id]));
  const model = { type: "WordLevel", unk_token: "<unk>", vocab };
  const tokenizer = await loadTokenizer(
    { added_tokens: [], normalizer, pre_tokenizer: preTokenizer, post_processor: null, decoder: null, model },
    words.length,
  );
  return Array.from(tokenizer.encode(text), (id) => words[id] as string);
}

const DIGITS = { Regex: "[0-9]+" };
const split = (pattern: unknown, behavior: string, invert = false) => ({
  type: "Split",
  pattern,
  behavior,
  invert,
});
const punctuation = (behavior: string) => ({ type: "Punctuation", behavior });
const metaspace = (settings: object) => ({ type: "Metaspace", replacement: "▁", ...settings });

describe("pre-tokenizers", () => {
  it.each<[step: Record<string, unknown>, text: string, pieces: readonly string[]]>([
    [
      { type: "Whitespace" },
      "naïve 日本 x²½ a_b, «c»\u0085👩\u200dd",
      ["naïve", "日本", "x", "²½", "a_b", ",", "«", "c", "»", "👩", "\u200dd"],
    ],
    [{ type: "WhitespaceSplit" }, "a\ufeffb\u0085c d", ["a\ufeffb", "c", "d"]],
    [{ type: "Digits", individual_digits: true }, "a12٣½b", ["a", "1", "2", "٣", "½", "b"]],
    [{ type: "Digits", individual_digits: false }, "a12٣½b", ["a", "12٣½", "b"]],
    [punctuation("Isolated"), "!a!!b¿$ c.", ["!", "a", "!", "!", "b", "¿", "$", " c", "."]],
    [punctuation("Removed"), "!a!!b¿$ c.", ["a", "b", " c"]],
    [punctuation("MergedWithPrevious"), "!a!!b¿$ c.", ["!", "a!", "!", "b¿", "$", " c."]],
    [punctuation("MergedWithNext"), "!a!!b¿$ c.", ["!a", "!", "!b", "¿", "$ c", "."]],
    [punctuation("Contiguous"), "!a!!b¿$ c.", ["!", "a", "!!", "b", "¿$", " c", "."]],
    [split(DIGITS, "MergedWithPrevious"), "12a3bb45", ["12", "a3", "bb45"]],
    [split(DIGITS, "MergedWithNext"), "12a3bb45", ["12a", "3bb", "45"]],
    [split(DIGITS, "Isolated", true), "12a3bb45", ["12", "a", "3", "bb", "45"]],
    [split(DIGITS, "Removed", true), "12a3bb45", ["12", "3", "45"]],
    [split({ String: "." }, "Removed"), "a.b..c", ["a", "b", "c"]],
    [{ type: "CharDelimiterSplit", delimiter: "." }, "a.b..c", ["a", "b", "c"]],
    [{ type: "BertPreTokenizer" }, "don't\ufeff\u0085a!!b", ["don", "'", "t\ufeff", "a", "!", "!", "b"]],
    [metaspace({ prepend_scheme: "always" }), "a  b", ["▁a", "▁", "▁b"]],
    [metaspace({ prepend_scheme: "always", split: false }), "a  b", ["▁a▁▁b"]],
    [metaspace({ add_prefix_space: false }), "a b", ["a", "▁b"]],
    [
      { type: "ByteLevel", add_prefix_space: true },
      "😀's x\ufeff  y\u0085z",
      ["ĠðŁĺĢ'", "s", "Ġx", "ï»¿", "Ġ", "Ġy", "Âħ", "z"],
    ],
  ])("%o of %j", async (preTokenizer, text, pieces) => {
    expect(await piecesOf(text, { preTokenizer }, pieces)).toEqual(pieces);
  });
});

describe("normalizers", () => {
  const TABLE = charsmapTable({
    A: "a",
    ﬁ: "fi",
    "\u200b": "",
    "e\u0301": "é",
    e: "E",
    "\r": " ",
    "👩": "w",
  });

  it.each<[step: Record<string, unknown>, text: string, normal: string]>([
    [{ type: "Strip", strip_left: true, strip_right: true }, "\u0085 a\ufeff \u0085", "a\ufeff"],
    [{ type: "Strip", strip_left: true, strip_right: false }, "  a b  ", "a b  "],
    [{ type: "Lowercase" }, "ΑΣ", "ασ"],
    [
      { type: "BertNormalizer", clean_text: true, handle_chinese_chars: true, lowercase: true },
      "ΑΣ x𠀀y",
      "ασ x 𠀀 y",
    ],
    [{ type: "Nmt" }, "a\u0001b\u200bc\td", "ab c d"],
    [{ type: "Replace", pattern: { Regex: "[0-9]" }, content: "$&$1$$" }, "a1b", "a$&$1$$b"],
    // Whole graphemes by the shortest key that they begin with; long ones by their characters.
    [
      { type: "Precompiled", precompiled_charsmap: TABLE },
      "Aﬁ\u200b e\u0301e\u0302\u0301 \r\n👩\u200d👩B",
      "afi EE  w\u200dwB",
    ],
  ])("%o of %j", async (normalizer, text, normal) => {
    expect(await piecesOf(text, { normalizer }, [normal])).toEqual([normal]);
    const sequence = { type: "Sequence", normalizers: [{ type: "Sequence", normalizers: [normalizer] }] };
    expect(await piecesOf(text, { normalizer: sequence }, [normal])).toEqual([normal]);
  });

  it("puts nothing before nothing, and no sign before a first word whose white space is gone", async () => {
    const strip = { type: "Strip", strip_left: true, strip_right: true };
    const prepend = { type: "Prepend", prepend: "$▁" };
    const normalizer = { type: "Sequence", normalizers: [strip, prepend] };
    expect(await piecesOf(" ", { normalizer }, ["$▁"])).toEqual([]);
    expect(await piecesOf(" a", { normalizer }, ["$▁a"])).toEqual(["$▁a"]);
    const preTokenizer = metaspace({ prepend_scheme: "first" });
    expect(await piecesOf(" a b", { normalizer: strip, preTokenizer }, ["a", "▁b"])).toEqual(["a", "▁b"]);
    expect(await piecesOf("a b", { normalizer: strip, preTokenizer }, ["▁a", "▁b"])).toEqual(["▁a", "▁b"]);
  });

  it.each(["!", "", "AAAA", btoa("\u0008\0\0\0abcd")])("refuses the table %j", async (table) => {
    const normalizer = { type: "Precompiled", precompiled_charsmap: table };
    await expect(piecesOf("a", { normalizer }, ["a"])).rejects.toThrow(TextError);
  });

  it("takes long texts without spaces, in time that grows with their length", async () => {
    const text = `${"👩\u200d👩e\u0301日本".repeat(6000)}ﬁ`; // graphemes across the windows that are segmented
    const normal = `${"w\u200dwE日本".repeat(6000)}fi`;
    const normalizer = { type: "Precompiled", precompiled_charsmap: TABLE };
    const attempt = async () => {
      const started = performance.now();
      expect(await piecesOf(text, { normalizer }, [normal])).toEqual([normal]);
      return performance.now() - started;
    };
    expect(await quickest(5000, attempt), "milliseconds").toBeLessThan(5000);
  });

  it("takes a table of random bytes without an error or a long wait", async () => {
    const bytes = Array.from({ length: 4004 }, (_, i) =>
      i < 4 ? ([0xa0, 0x0f, 0, 0][i] as number) : (i * 37 + 11) % 251,
    );
    const table = btoa(String.fromCharCode(...bytes));
    const normalizer = { type: "Precompiled", precompiled_charsmap: table };
    const attempt = async () => {
      const started = performance.now();
      await piecesOf("Aﬁ e\u0301 日本語".repeat(100), { normalizer }, ["a"]);
      return performance.now() - started;
    };
    expect(await quickest(1000, attempt), "milliseconds").toBeLessThan(1000);
  });
});

const SPECIAL = { single_word: false, lstrip: false, rstrip: false, normalized: false, special: true };
const BYTES = Array.from(
  { length: 256 },
  (_, byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`,
);

it("a Unigram model falls back to bytes where its file says so, and a byte-order mark of them is text", async () => {
  const scores: [string, number][] = [
    ["<unk>", 0],
    ["▁", -2],
    ["a", -1],
    ["▁a", -1.5],
  ];
  const json = {
    added_tokens: [{ id: 0, content: "<unk>", ...SPECIAL }],
    normalizer: null,
    pre_tokenizer: metaspace({ prepend_scheme: "always" }),
    post_processor: null,
    decoder: {
      type: "Sequence",
      decoders: [{ type: "ByteFallback" }, metaspace({ prepend_scheme: "always" })],
    },
    model: {
      type: "Unigram",
      unk_id: 0,
      byte_fallback: true,
      vocab: [...scores, ...BYTES.map((byte) => [byte, -20])],
    },
  };
  const tokenizer = await loadTokenizer(json, 260);
  const ids = [3, 4 + 0xc3, 4 + 0xa9, 2, 4 + 0xef, 4 + 0xbb, 4 + 0xbf];
  expect([...tokenizer.encode("aéa\ufeff")]).toEqual(ids);
  expect(tokenizer.decode(ids)).toBe("aéa\ufeff");
  const without = await loadTokenizer({ ...json, model: { ...json.model, byte_fallback: false } }, 260);
  expect([...without.encode("aéa")]).toEqual([3, 0, 2]);
});

it("where no space is put in front, none is taken away", async () => {
  const json = {
    added_tokens: [],
    normalizer: null,
    pre_tokenizer: metaspace({ prepend_scheme: "never" }),
    post_processor: null,
    decoder: metaspace({ prepend_scheme: "never" }),
    model: { type: "BPE", vocab: { "▁": 0, a: 1 }, merges: [] },
  };
  const tokenizer = await loadTokenizer(json, 2);
  expect([...tokenizer.encode(" a a")]).toEqual([0, 1, 0, 1]);
  expect(tokenizer.decode([0, 1, 0, 1])).toBe(" a a");
});

it("white space at both ends of words with a suffix is text", async () => {
  const json = {
    added_tokens: [],
    normalizer: null,
    pre_tokenizer: null,
    post_processor: null,
    decoder: { type: "BPEDecoder", suffix: "</w>" },
    model: {
      type: "BPE",
      end_of_word_suffix: "</w>",
      vocab: { a: 0, "a</w>": 1, "\ufeff": 2, "\ufeff</w>": 3 },
      merges: [],
    },
  };
  const tokenizer = await loadTokenizer(json, 4);
  expect(tokenizer.decode([2, 1, 0, 3])).toBe("\ufeffa a\ufeff");
});
