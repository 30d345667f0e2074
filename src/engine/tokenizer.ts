// The tokenizer of a new model, and the vocabulary that goes with it.
import { ConfigError } from "../errors.js";
import { trainBpe } from "../text/bpe-training.js";
import { byteTokenizer } from "../text/byte-tokenizer.js";
import { characterTokenizer } from "../text/character-tokenizer.js";
import type { Tokenizer } from "../text/tokenizer.js";
import type { CreateOptions, ReformerOptions } from "../types.js";

/** The token that a head needs beside those of texts: a mask, or what begins and ends a target. */
const OWN_TOKEN = {
  "masked-language-model": "maskTokenId",
  "sequence-to-sequence": "eosTokenId",
} as const;

/** The tokenizer's vocabulary, and for heads that need a token of their own one more. */
export function withVocabulary(given: ReformerOptions, tokens: number): ReformerOptions {
  const { head, vocabSize } = given;
  const own =
    head === "masked-language-model" || head === "sequence-to-sequence" ? OWN_TOKEN[head] : undefined;
  if (vocabSize !== undefined || own === undefined || given[own] !== undefined) {
    return { ...given, vocabSize: vocabSize ?? tokens };
  }
  return { ...given, vocabSize: tokens + 1, [own]: tokens };
}

/** @throws {ConfigError} where the text that a vocabulary is made from is missing */
export async function makeTokenizer({
  tokenizer,
  text,
  signal,
}: Pick<CreateOptions, "tokenizer" | "text" | "signal">): Promise<Tokenizer> {
  switch (tokenizer?.type) {
    case undefined:
    case "bytes":
      return byteTokenizer();
    case "characters":
      return characterTokenizer(needText(text, "characters"));
    case "bpe":
      return trainBpe(needText(text, "bpe"), { vocabSize: tokenizer.vocabSize, signal });
    default:
      throw new ConfigError(
        `tokenizer is ${JSON.stringify(tokenizer)}, but its type must be "bytes", "characters" or "bpe".`,
        {
          field: "tokenizer",
        },
      );
  }
}

function needText(text: string | undefined, type: string): string {
  if (text) return text;
  throw new ConfigError(
    `tokenizer "${type}" makes its vocabulary from a text: pass the text to train on as \`text\`.`,
    {
      field: "text",
    },
  );
}
