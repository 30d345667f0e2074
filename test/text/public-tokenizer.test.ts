import { Tokenizer as Public } from "@huggingface/tokenizers";
import { describe, expect, it } from "vitest";
import { TextError } from "../../src/errors.js";
import { Random } from "../../src/random.js";
import { trainBpe } from "../../src/text/bpe-training.js";
import { byteTokenizer } from "../../src/text/byte-tokenizer.js";
import { characterTokenizer } from "../../src/text/character-tokenizer.js";
import { loadTokenizer } from "../../src/text/load-tokenizer.js";
import { bytesToAlphabet } from "../../src/text/standard-json.js";
import { encodeText, type Tokenizer } from "../../src/text/tokenizer.js";
import { quickest } from "../support/quickest.js";
import { UNIGRAM_SIZE, unigramJson, WORDS } from "./unigram-json.js";

const TEXT =
  "The whale, the white whale! 白鲸在海上。 1851 was 175 years ago;\n\tnaïve café — 👩‍👩‍👧 हिन्दी\r\n";
/** Like GPT-2: a space belongs to the word after it, and none is added. */
async function byteLevelJson(): Promise<Record<string, unknown>> {
  const json = (await trainBpe(TEXT.repeat(4), { vocabSize: 300 })).toJSON();
  return { ...json, pre_tokenizer: { type: "ByteLevel", add_prefix_space: false, trim_offsets: true } };
}

/** Like Llama: no word splitting, and a space before every text it gets. */
function prependJson(): Record<string, unknown> {
  const tokens = ["<unk>", "▁", ..."abcdefghijklmnopqrstuvwxyz.", "▁t", "▁th", "▁the", "▁a"];
  return {
    version: "1.0",
    added_tokens: [],
    normalizer: {
      type: "Sequence",
      normalizers: [
        { type: "Prepend", prepend: "▁" },
        { type: "Replace", pattern: { String: " " }, content: "▁" },
      ],
    },
    pre_tokenizer: null,
    post_processor: null,
    decoder: {
      type: "Sequence",
      decoders: [
        { type: "Replace", pattern: { String: "▁" }, content: " " },
        { type: "Fuse" },
        { type: "Strip", content: " ", start: 1, stop: 0 },
      ],
    },
    model: {
      type: "BPE",
      unk_token: "<unk>",
      fuse_unk: true,
      vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
      merges: ["▁ t", "▁t h", "▁th e", "▁ a"],
    },
  };
}

/** Words and single spaces, and now and then several spaces or a line break. */
function prose(length: number): string {
  const random = new Random(3);
  let text = "the";
  while (text.length < length) {
    const gap = random.below(30) === 0 ? ["  ", "\n", " \n ", "   "][random.below(4)]! : " ";
    text += gap + WORDS[random.below(WORDS.length)];
  }
  return text;
}

it.each([6e8, -1])("a token of id %d is refused at once", async (id) => {
  const json = {
    ...unigramJson(),
    model: { type: "BPE", vocab: { a: 0, D: id }, merges: [] },
  };
  await expect(loadTokenizer(json, UNIGRAM_SIZE)).rejects.toThrow(`a token of id ${id}`);
});

describe("publicTokenizer", () => {
  it("reads a Unigram file as its authors' implementation does", async () => {
    const json = unigramJson();
    const tokenizer = await loadTokenizer(json, UNIGRAM_SIZE);
    expect(tokenizer.vocabSize).toBe(UNIGRAM_SIZE);
    const text = "he was the  street, Raskolnikov!";
    const expected = new Public(json, {}).encode(text, { add_special_tokens: false }).ids;
    expect([...tokenizer.encode(text)]).toEqual(expected);
    expect(tokenizer.decode(tokenizer.encode(text))).toBe("he was the street, Raskolnikov!");
    expect(tokenizer.toJSON()).toBe(json);
  });

  it.each<[string, () => unknown]>([
    ["Unigram after Metaspace", unigramJson],
    ["byte-level BPE", byteLevelJson],
    ["BPE with a prepended space", prependJson],
  ])("%s: a text in pieces has the ids of the text at once", async (_name, make) => {
    const json = (await make()) as Record<string, unknown>;
    const tokenizer = await loadTokenizer(json, 1000);
    const text = prose(40_000); // five pieces here, one there
    const expected = new Public(json, {}).encode(text, { add_special_tokens: false }).ids;
    const ids = [...tokenizer.encode(text)];
    const different = ids.findIndex((id, i) => id !== expected[i]);
    expect(
      different,
      `first different id, near ${tokenizer.decode(ids.slice(different - 5, different + 5))}`,
    ).toBe(-1);
    expect(ids).toHaveLength(expected.length);
  });

  it("encodes a million characters without exhausting the stack, with progress", async () => {
    const tokenizer = await loadTokenizer(unigramJson(), UNIGRAM_SIZE);
    for (const text of [prose(1_000_000), "a".repeat(200_000)]) {
      const seen: number[] = [];
      const ids = await encodeText(tokenizer, text, { onProgress: ({ loaded }) => seen.push(loaded) });
      expect(ids.length).toBeGreaterThan(text.length / 12);
      expect(seen.at(-1)).toBe(text.length);
      expect(seen.length).toBeGreaterThan(2);
    }
  });

  it("decoder() continues a text: a token that begins a word brings its space", async () => {
    const tokenizer = await loadTokenizer(unigramJson(), UNIGRAM_SIZE);
    const decoder = tokenizer.decoder();
    const text = [...tokenizer.encode("he was Raskolnikov")].map((id) => decoder.push(id)).join("");
    expect(text + decoder.end()).toBe(" he was Raskolnikov");
  });

  it("decoder() holds back half a character", async () => {
    const tokenizer = await loadTokenizer(await byteLevelJson(), 300);
    const decoder = tokenizer.decoder();
    const pieces = [...tokenizer.encode("白👩é")].map((id) => decoder.push(id));
    for (const piece of pieces) expect(piece).not.toContain("\ufffd");
    expect(pieces.join("") + decoder.end()).toBe("白👩é");
  });

  it.each([
    ["nothing", ""],
    ["a lone surrogate", "a\ud800b"],
    ["NUL", "\0"],
    ["control characters", "\u0001\n\t"],
    ["10,000 emoji", "👩".repeat(10_000)],
    ["a byte-order mark", "\ufeffa"],
    ["a direction mark", "\u202ea"],
  ])("takes any text: %s", async (_what, text) => {
    for (const json of [unigramJson(), await byteLevelJson()]) {
      const tokenizer = await loadTokenizer(json, 1000);
      expect(typeof tokenizer.decode(tokenizer.encode(text.slice(0, 20_000)))).toBe("string");
    }
  });

  it("refuses a token that was added beyond the model's vocabulary, and leaves out unknown characters where none stands for them", async () => {
    const tokenizer = await loadTokenizer(unigramJson(), UNIGRAM_SIZE);
    expect(() => tokenizer.encode("he <added>")).toThrow("<added>");
    expect([...(await loadTokenizer(unigramJson(), 1000)).encode("<added>")]).toEqual([UNIGRAM_SIZE]);
    expect(() => tokenizer.decode([UNIGRAM_SIZE])).toThrow(TextError);
    const { unk_token: _, ...model } = prependJson().model as Record<string, unknown>;
    const without = { ...prependJson(), model };
    const theirs = new Public(without, {}).encode("aΩa", { add_special_tokens: false }).ids;
    expect([...(await loadTokenizer(without, 1000)).encode("aΩa")]).toEqual(theirs);
    expect(theirs).toHaveLength(2);
  });

  it.each<[string, unknown]>([
    ["a list", []],
    ["no model", { added_tokens: [] }],
    ["a model without its vocabulary", { ...unigramJson(), model: { type: "Unigram" } }],
    ["no list of added tokens", { ...unigramJson(), added_tokens: undefined }],
    ["an unknown normalizer", { ...unigramJson(), normalizer: { type: "Eval" } }],
    ["an unknown pre-tokenizer", { ...unigramJson(), pre_tokenizer: { type: "System" } }],
    [
      "an expression that does not compile",
      { ...unigramJson(), normalizer: { type: "Replace", pattern: { Regex: "(" }, content: "" } },
    ],
    ["ten thousand nested normalizers", { ...unigramJson(), normalizer: nested(10_000) }],
  ])("refuses %s", async (_why, json) => {
    const attempt = async () => {
      const started = performance.now();
      await expect(loadTokenizer(json, 100)).rejects.toThrow(TextError);
      return performance.now() - started;
    };
    expect(await quickest(1000, attempt), "milliseconds").toBeLessThan(1000);
  });
});

function nested(depth: number): unknown {
  let normalizer: unknown = { type: "Lowercase" };
  for (let i = 0; i < depth; i++) normalizer = { type: "Sequence", normalizers: [normalizer] };
  return normalizer;
}

describe("our tokenizers, saved, in Hugging Face's implementation", () => {
  it.each<[string, () => Promise<Tokenizer>]>([
    ["bytes", async () => byteTokenizer()],
    ["bytes, offset 2", async () => byteTokenizer(2)],
    ["characters", async () => characterTokenizer(TEXT)],
    ["merges", () => trainBpe(TEXT.repeat(4), { vocabSize: 320 })],
  ])("%s: the same ids and the same text", async (_name, make) => {
    const tokenizer = await make();
    const theirs = new Public(JSON.parse(JSON.stringify(tokenizer)), {});
    for (const text of [
      TEXT,
      "a",
      " a  b ",
      "\n\n",
      "1234567",
      "whale".repeat(30),
      "Ω unknown",
      "\ufeff\u0085\u00a0x",
    ]) {
      const ids = [...tokenizer.encode(text)];
      expect(theirs.encode(text, { add_special_tokens: false }).ids, JSON.stringify(text)).toEqual(ids);
      const decoded = theirs.decode(ids, { clean_up_tokenization_spaces: false });
      expect(decoded, JSON.stringify(text)).toBe(tokenizer.decode(ids));
    }
  });

  it("the alphabet is GPT-2's", () => {
    expect(bytesToAlphabet(Uint8Array.of(32, 33, 10, 0, 127, 160, 173, 255))).toBe("Ġ!ĊĀġłŃÿ");
  });
});
