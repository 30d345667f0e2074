// A tokenizer.json of a Unigram model, made by hand.
export const WORDS = ["he", "was", "the", "Raskolnikov", "and", "street"];

/** The shape of the public crime-and-punishment tokenizer: pieces of a Unigram model, words after "▁". */
export function unigramJson(): Record<string, unknown> {
  const letters = [..."abcdefghijklmnopqrstuvwxyzR.,!?"];
  const pieces: [string, number][] = [
    ["<pad>", 0],
    ["</s>", 0],
    ["<unk>", 0],
    ["▁", -3],
    ...letters.map((letter, i): [string, number] => [letter, -4 - i / 10]),
    ...WORDS.map((word, i): [string, number] => [`▁${word}`, -2 - i / 10]),
  ];
  const special = (id: number, content: string) => ({
    ...{ id, content, special: true },
    ...{ single_word: false, lstrip: false, rstrip: false, normalized: false },
  });
  const metaspace = { type: "Metaspace", replacement: "▁", add_prefix_space: true, prepend_scheme: "always" };
  return {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: [special(1, "</s>"), special(2, "<unk>"), special(pieces.length, "<added>")],
    normalizer: { type: "Replace", pattern: { Regex: " {2,}" }, content: " " },
    pre_tokenizer: metaspace,
    post_processor: null,
    decoder: metaspace,
    model: { type: "Unigram", unk_id: 2, vocab: pieces },
  };
}
export const UNIGRAM_SIZE = 4 + 31 + WORDS.length;
