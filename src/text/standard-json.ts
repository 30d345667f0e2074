// This library's tokenizers as the tokenizer.json that Hugging Face's `tokenizers` opens, and back. All three are BPE
// there: over bytes with or without merges, or over characters without.
import { TextError } from "../errors.js";

/** A tokenizer.json, parsed. */
export type TokenizerJson = Readonly<Record<string, unknown>>;

/**
 * A character for every byte, so that any bytes can be written as text: printable ones stand for themselves, the others
 * for characters from 256 on. Source: the byte-level alphabet of GPT-2.
 */
const ALPHABET: readonly string[] = (() => {
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) => {
    const printable = (byte >= 33 && byte <= 126) || (byte >= 161 && byte !== 173);
    return String.fromCharCode(printable ? byte : next++);
  });
})();
const BYTE_OF = new Map(ALPHABET.map((character, byte) => [character, byte]));

/** Bytes as text. */
export function bytesToAlphabet(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => ALPHABET[byte]).join("");
}

/** @throws TextError where a character stands for no byte */
export function alphabetToBytes(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => {
    const byte = BYTE_OF.get(character);
    if (byte !== undefined) return byte;
    throw new TextError(`${JSON.stringify(text)} holds ${character}, which stands for no byte.`);
  });
}

const BYTE_LEVEL = { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: false };

interface Parts {
  readonly tokens: readonly string[];
  readonly merges?: readonly string[];
  readonly unknown?: string;
  readonly preTokenizer: unknown;
  readonly decoder: unknown;
}

function tokenizerJson({ tokens, merges = [], unknown, preTokenizer, decoder }: Parts): TokenizerJson {
  return {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: [],
    normalizer: null,
    pre_tokenizer: preTokenizer,
    post_processor: null,
    decoder,
    model: {
      type: "BPE",
      dropout: null,
      unk_token: unknown ?? null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
      merges,
    },
  };
}

/** Bytes: id = byte + offset; ids below the offset are placeholders that no text gives. */
export function bytesJson(offset: number): TokenizerJson {
  const placeholders = Array.from({ length: offset }, (_, id) => `<${id}>`);
  return tokenizerJson({
    tokens: [...placeholders, ...ALPHABET],
    preTokenizer: BYTE_LEVEL,
    decoder: BYTE_LEVEL,
  });
}

/** Characters: id 0 is unknown, id i + 1 is characters[i]. */
export function charactersJson(unknown: string, characters: readonly string[]): TokenizerJson {
  return tokenizerJson({
    tokens: [unknown, ...characters],
    unknown,
    preTokenizer: null,
    decoder: { type: "Fuse" },
  });
}

/**
 * Merges over bytes within the pieces of a text.
 * @param tokens bytes of every token, all different
 */
export function mergesJson(
  tokens: readonly Uint8Array[],
  merges: readonly (readonly [number, number])[],
  pieces: string,
): TokenizerJson {
  const texts = tokens.map(bytesToAlphabet);
  const split = { type: "Split", pattern: { Regex: pieces }, behavior: "Isolated", invert: false };
  return tokenizerJson({
    tokens: texts,
    merges: merges.map(([first, second]) => `${texts[first]} ${texts[second]}`),
    preTokenizer: { type: "Sequence", pretokenizers: [split, BYTE_LEVEL] },
    decoder: BYTE_LEVEL,
  });
}

/** Tokens and merges of a BPE tokenizer.json, the tokens in the order of their ids; undefined where it is none. */
export function readBpe(json: TokenizerJson): { tokens: string[]; merges: [string, string][] } | undefined {
  const model = record(json.model);
  const vocab = record(model?.vocab);
  if (model?.type !== "BPE" || !vocab || !Array.isArray(model.merges)) return undefined;
  const tokens: string[] = [];
  for (const [token, id] of Object.entries(vocab)) {
    if (!Number.isInteger(id) || (id as number) < 0 || (id as number) > MAX_ID) return undefined;
    tokens[id as number] = token;
  }
  if (Object.keys(tokens).length !== tokens.length) return undefined;
  const merges: [string, string][] = [];
  for (const merge of model.merges as unknown[]) {
    // Newer writers save a pair, older ones two words.
    const pair: unknown = typeof merge === "string" ? merge.split(" ") : merge;
    if (!Array.isArray(pair) || pair.length !== 2 || !pair.every((part) => typeof part === "string"))
      return undefined;
    merges.push(pair as [string, string]);
  }
  return { tokens, merges };
}

const MAX_ID = 2 ** 22;

function record(value: unknown): Record<string, unknown> | undefined {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
}
