// Added tokens in texts, against what Hugging Face's `tokenizers` makes of them, recorded.
import { describe, expect, it } from "vitest";
import { loadTokenizer } from "../../src/text/load-tokenizer.js";

const CHARACTERS = [..."abcdefgxyzABCDX[]<>.-_▁é鲸 \u0085\n\t\u00a0\u200d\ufeff"];
const VOCAB = Object.fromEntries(["<unk>", ...CHARACTERS].map((token, id) => [token, id]));
const TOKEN = {
  ...{ content: "[X]", single_word: false, lstrip: false, rstrip: false, normalized: false, special: true },
};
type Flags = Partial<typeof TOKEN>;

/** Characters, with added tokens in parentheses. */
async function read(text: string, tokens: readonly Flags[], normalizer: unknown): Promise<string[]> {
  const added = tokens.map((flags, i) => ({ ...TOKEN, ...flags, id: 100 + i }));
  const rest = { pre_tokenizer: null, post_processor: null, decoder: null };
  const model = { type: "BPE", unk_token: "<unk>", vocab: VOCAB, merges: [] };
  const tokenizer = await loadTokenizer({ added_tokens: added, normalizer, ...rest, model }, 200);
  const ids = [...tokenizer.encode(text)];
  return ids.map((id) => CHARACTERS[id - 1] ?? `(${added.find((token) => token.id === id)?.content})`);
}

/** `|` between what the tokens stand for. */
const CASES: readonly [why: string, tokens: readonly Flags[], text: string, expected: string][] = [
  ["as they are", [{}], "a [X] b[X]", "a| |([X])| |b|([X])"],
  ["lstrip", [{ lstrip: true }], "a \u0085\t[X] b[X]", "a|([X])| |b|([X])"],
  ["rstrip", [{ rstrip: true }], "a [X] \u00a0\nb[X] ", "a| |([X])|b|([X])"],
  [
    "both, side by side; a byte-order mark is no space",
    [{ lstrip: true, rstrip: true }],
    " [X]  [X]\ufeff[X] ",
    "([X])|([X])|\ufeff|([X])",
  ],
  [
    "single_word: letters, underscores and joiners make words",
    [{ content: "ab", single_word: true }],
    "ab cab abc ab-ab_ab ab\u200d鲸ab éab",
    "(ab)| |c|a|b| |a|b|c| |(ab)|-|a|b|_|a|b| |a|b|\u200d|鲸|a|b| |é|a|b",
  ],
  [
    "single_word with lstrip",
    [{ content: "ab", single_word: true, lstrip: true }],
    "c  ab  abc",
    "c|(ab)| | |a|b|c",
  ],
  [
    "what is inside a word that does not count is not looked for",
    [{ content: "ab", single_word: true }, { content: "bc" }],
    "abc ab bc",
    "a|b|c| |(ab)| |(bc)",
  ],
  [
    "a word that does not count is none of the model's either",
    [{ content: "ab", single_word: true, special: false }],
    "cab",
    "c|a|b",
  ],
  ["the longest", [{ content: "ab" }, { content: "abc" }], "ababcab", "(ab)|(abc)|(ab)"],
  ["the first", [{ content: "abc" }, { content: "bcde" }], "abcde bcde", "(abc)|d|e| |(bcde)"],
  [
    "white space that the one before has taken",
    [{ rstrip: true }, { content: "<", lstrip: true }],
    "a [X]  < b",
    "a| |([X])|(<)| |b",
  ],
  ["white space that is a token itself", [{ content: " " }, { lstrip: true }], "a  [X]", "a|( )|( )|([X])"],
];
const LOWERED: typeof CASES = [
  [
    "those not normalized come first",
    [{ content: "ab", normalized: true, special: false }, { content: "bc" }],
    "abc ab",
    "a|(bc)| |(ab)",
  ],
  [
    "normalized",
    [{ normalized: true, special: false, lstrip: true, rstrip: true }],
    "a [x] b [X]",
    "a|([X])|b|([X])",
  ],
  ["not normalized", [{}], "a [x] b [X]", "a| |[|x|]| |b| |([X])"],
  [
    "normalized, single_word",
    [{ content: "AB", normalized: true, special: false, single_word: true }],
    "Ab cab aB",
    "(AB)| |c|a|b| |(AB)",
  ],
  [
    "of two that become the same, the special one",
    [
      { content: "ab", normalized: true, special: false },
      { content: "AB", normalized: true },
    ],
    "Ab",
    "(AB)",
  ],
];

describe("added tokens are found as `tokenizers` finds them", () => {
  it.each(CASES)("%s", async (_why, tokens, text, expected) => {
    expect((await read(text, tokens, null)).join("|")).toBe(expected);
  });

  it.each(LOWERED)("in lower case: %s", async (_why, tokens, text, expected) => {
    expect((await read(text, tokens, { type: "Lowercase" })).join("|")).toBe(expected);
  });

  it.each([7, null, undefined])("refuses one of content %s", async (content) => {
    const wrong = [{ content } as unknown as Flags];
    await expect(read("a", wrong, null)).rejects.toThrow(
      /^It is no tokenizer that can be read \(an added token's content is .*, but must be a text\)/,
    );
  });
});
