// Texts longer than the pieces that the implementation gets: their ids are those of the whole.
import { describe, expect, it } from "vitest";
import { Random } from "../../src/random.js";
import { loadTokenizer } from "../../src/text/load-tokenizer.js";

const LETTERS = [..."abcde鲸海。.", "\n", " ", "▁", "Ġ", "Ċ"];
const MARKS = "[X]";
const VOCAB = Object.fromEntries(["<unk>", ...LETTERS].map((letter, id) => [letter, id]));
const metaspace = (prepend_scheme: string) => ({ type: "Metaspace", replacement: "▁", prepend_scheme });
const sequence = (...pretokenizers: unknown[]) => ({ type: "Sequence", pretokenizers });
const prepended = {
  type: "Sequence",
  normalizers: [
    { type: "Prepend", prepend: "▁" },
    { type: "Replace", pattern: { String: " " }, content: "▁" },
  ],
};

/** Letters as a vocabulary without merges reads them. */
async function read(
  text: string,
  { normalizer = null, preTokenizer = null }: { normalizer?: unknown; preTokenizer?: unknown },
  flags: object = {},
): Promise<string> {
  const model = { type: "BPE", unk_token: "<unk>", vocab: VOCAB, merges: [] };
  const token = { content: MARKS, single_word: false, lstrip: false, rstrip: false, special: true };
  const tokenizer = await loadTokenizer(
    {
      added_tokens: [{ id: 50, ...token, normalized: false, ...flags }],
      ...{ normalizer, pre_tokenizer: preTokenizer, post_processor: null, decoder: null, model },
    },
    100,
  );
  return Array.from(tokenizer.encode(text), (id) => LETTERS[id - 1] ?? MARKS).join("");
}

/** No two spaces in a row, and a length that needs several pieces. */
function random(letters: readonly string[], length: number): string {
  const draw = new Random(letters.length, 5);
  return Array.from({ length }, () => letters[draw.below(letters.length)]).join("");
}
const SPACELESS = random([..."abcde鲸海。"], 150_000);
const LINES = random([..."abcde鲸海。", "\n"], 150_000);
const WORDS = random(["ab", "cde", "鲸", "a.", "abc", "d"], 12_000).replace(/(...)/g, "$1 ");

type Case = readonly [
  why: string,
  steps: { readonly normalizer?: unknown; readonly preTokenizer?: unknown },
  text: string,
  expected: (text: string) => string,
];
const spaces = (text: string) => text.replaceAll(" ", "▁");
const CASES: readonly Case[] = [
  ["Metaspace, always", { preTokenizer: metaspace("always") }, SPACELESS, (text) => `▁${text}`],
  ["Metaspace, first", { preTokenizer: metaspace("first") }, SPACELESS, (text) => `▁${text}`],
  ["Metaspace, never", { preTokenizer: metaspace("never") }, SPACELESS, (text) => text],
  ["Metaspace, words", { preTokenizer: metaspace("always") }, WORDS, (text) => `▁${spaces(text)}`],
  ["Prepend", { normalizer: prepended }, SPACELESS, (text) => `▁${text}`],
  ["Prepend, words", { normalizer: prepended }, WORDS, (text) => `▁${spaces(text)}`],
  [
    "ByteLevel with a space in front",
    { preTokenizer: { type: "ByteLevel", add_prefix_space: true, trim_offsets: true } },
    SPACELESS.replace(/[鲸海。]/g, "a"),
    (text) => `Ġ${text}`,
  ],
  [
    "Strip: inside a text no white space goes",
    { normalizer: { type: "Strip", strip_left: true, strip_right: true } },
    `\n\n${LINES}\n`,
    (text) => text.trim(),
  ],
  [
    "each word of white space's gets its own sign",
    { preTokenizer: sequence({ type: "WhitespaceSplit" }, metaspace("always")) },
    LINES,
    (text) => text.replace(/[^\n]+/g, "▁$&").replaceAll("\n", ""),
  ],
  [
    "the first word alone",
    { preTokenizer: sequence({ type: "Punctuation", behavior: "Isolated" }, metaspace("first")) },
    `a${SPACELESS}`,
    (text) => `▁${text}`,
  ],
  [
    "each part between signs of punctuation",
    { preTokenizer: sequence({ type: "Punctuation", behavior: "Isolated" }, metaspace("always")) },
    SPACELESS,
    (text) => text.replace(/。|[^。]+/g, "▁$&"),
  ],
];

function expectSame(got: string, whole: string): void {
  let at = 0;
  while (at < whole.length && got[at] === whole[at]) at++;
  expect(got.slice(at, at + 20), `from ${at} of ${whole.length}`).toBe(whole.slice(at, at + 20));
  expect(got).toHaveLength(whole.length);
}

describe("a long text in pieces", () => {
  it.each(CASES)("%s", async (_why, steps, text, expected) => {
    expectSame(await read(text, steps), expected(text));
  });

  it.each([true, false])("with added tokens everywhere, normalized: %s", async (normalized) => {
    const flags = { normalized, lstrip: true, rstrip: true };
    for (const steps of [{ preTokenizer: metaspace("always") }, { normalizer: prepended }]) {
      const got = await read(`ab ${MARKS} 海 `.repeat(6000), steps, flags);
      expectSame(got, `${`▁ab${MARKS}▁海`.repeat(6000)}▁`);
    }
  });

  it("unknown characters side by side are one token, wherever they are cut", async () => {
    const fused = { type: "BPE", unk_token: "<unk>", fuse_unk: true, vocab: VOCAB, merges: [] };
    const rest = {
      added_tokens: [],
      normalizer: null,
      pre_tokenizer: null,
      post_processor: null,
      decoder: null,
    };
    const tokenizer = await loadTokenizer({ ...rest, model: fused }, 100);
    expect([...tokenizer.encode(`a${"Ω".repeat(200_000)}b`)]).toEqual([1, 0, 2]);
  });
});
