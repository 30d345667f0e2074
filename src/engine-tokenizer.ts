// The tokenizer of a new model, and the vocabulary that goes with it.
import { ConfigError } from "./errors.js";
import { trainBpe } from "./text/bpe-training.js";
import { byteTokenizer } from "./text/byte-tokenizer.js";
import { characterTokenizer } from "./text/character-tokenizer.js";
import type { Tokenizer } from "./text/tokenizer.js";
import type { CreateOptions, ReformerOptions } from "./types.js";

/** The tokenizer's vocabulary, and for a masked language model one token more: the mask. */
export function withVocabulary(given: ReformerOptions, tokens: number): ReformerOptions {
  const masked = given.head === "masked-language-model" && given.maskTokenId === undefined;
  if (!masked || given.vocabSize !== undefined) return { ...given, vocabSize: given.vocabSize ?? tokens };
  return { ...given, vocabSize: tokens + 1, maskTokenId: tokens };
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
