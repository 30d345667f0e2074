// Tokenizers of public models, read from their tokenizer.json by Hugging Face's own implementation.
import type { Tokenizer as Implementation } from "@huggingface/tokenizers";
import { TextError } from "../errors.js";
import { LONE_SURROGATE } from "./character-tokenizer.js";
import { charsmapNormalizer } from "./charsmap.js";
import { commonSteps } from "./public-steps.js";
import { runAtOnce } from "./slices.js";
import type { TokenizerJson } from "./standard-json.js";
import { textReader } from "./text-reader.js";
import { type TokenDecoder, type Tokenizer, unknownToken } from "./tokenizer.js";

/** Tokens that may wait for the rest of a character; the longest has 4 bytes. */
const MAX_WAITING = 8;
const NO_CHARACTER = "\ufffd";

/**
 * @param vocabSize of the model: a token added beyond its vocabulary cannot be used
 * @throws TextError where the file is not one that this implementation reads
 */
export async function publicTokenizer(json: TokenizerJson, vocabSize: number): Promise<Tokenizer> {
  checkIds(json);
  const implementation = await open(json);
  const vocabulary = 1 + largest(implementation.get_vocab(false).values());
  const all = 1 + largest(implementation.get_vocab(true).values());
  const size = Math.min(all, Math.max(vocabulary, vocabSize));
  if (size === 0) throw refused("its vocabulary is empty");
  const reader = textReader(implementation, json);

  const checked = (id: number | undefined): number => {
    if (id !== undefined && id < size) return id;
    throw new TextError(
      id === undefined
        ? "The text has a character that the vocabulary lacks, and tokenizer.json names no token for unknown ones."
        : `The text has the token ${implementation.id_to_token(id)} (${id}), which was added beyond the model's vocabulary of ${size}: leave it out.`,
      { id: id ?? null },
    );
  };
  const textOf = (ids: readonly number[]): string => {
    for (const id of ids) if (!(id >= 0 && id < size)) unknownToken(id, size);
    if (ids.length === 0) return "";
    return implementation.decode([...ids], {
      skip_special_tokens: true,
      clean_up_tokenization_spaces: false,
    });
  };
  function* encodeSteps(given: string): Generator<number, Uint32Array> {
    const text = LONE_SURROGATE.test(given) ? wellFormed(given) : given;
    const parts: number[][] = [];
    for (const { end, ids } of reader(text)) {
      parts.push(ids.map(checked));
      yield end;
    }
    const ids = new Uint32Array(parts.reduce((sum, part) => sum + part.length, 0));
    let end = 0;
    for (const part of parts) {
      ids.set(part, end);
      end += part.length;
    }
    return ids;
  }
  const encode = (text: string) => runAtOnce(encodeSteps(text));

  return {
    vocabSize: size,
    encodeSteps,
    encode,
    decode: (ids) => textOf(Array.from(ids)),
    decoder: () => streamDecoder(textOf, anyIds(encode, "a")),
    toJSON: () => json,
  };
}

/** None where the vocabulary lacks these characters. */
function anyIds(encode: (text: string) => Uint32Array, text: string): number[] {
  try {
    return [...encode(text)];
  } catch {
    return [];
  }
}

async function open(json: TokenizerJson): Promise<Implementation> {
  const { Tokenizer } = await import("@huggingface/tokenizers"); // few models need it
  const model = (json.model ?? {}) as { readonly [setting: string]: unknown };
  // Of a list of words the implementation wants the unknown one here.
  const settings = model.type === "WordLevel" ? { unk_token: model.unk_token } : {};
  let implementation: Implementation;
  try {
    implementation = new Tokenizer(commonSteps(json), settings);
  } catch (error) {
    throw refused((error as Error).message);
  }
  useCharsmaps(implementation.normalizer);
  keepDecoded(implementation.decoder);
  if (model.byte_fallback === true) fallBackToBytes(implementation);
  return implementation;
}

/** What the implementation keeps of a normaliser's settings. */
interface Normalizing {
  readonly normalizers?: readonly (Normalizing | null)[];
  readonly charsmap?: unknown;
  normalize(text: string): string;
}

/** The implementation knows one table of SentencePiece's by heart, and not exactly: every file brings its own. */
function useCharsmaps(normalizer: unknown): void {
  const step = normalizer as Normalizing | null;
  if (!step) return;
  for (const inner of step.normalizers ?? []) useCharsmaps(inner);
  if (typeof step.charsmap === "string") step.normalize = charsmapNormalizer(step.charsmap);
}

interface Decoding {
  readonly decoders?: readonly Decoding[];
  text_decoder?: TextDecoder;
  /** Where a decoder has one, white space at both ends is cut off. */
  end_of_word_suffix: string | null;
}

/** Byte-order marks and white space at the ends are text too. */
function keepDecoded(decoder: unknown): void {
  const step = decoder as Decoding | null;
  if (!step) return;
  for (const inner of step.decoders ?? []) keepDecoded(inner);
  if (step.text_decoder) step.text_decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  step.end_of_word_suffix = null;
}

/** A Unigram model's unknown characters as tokens of their bytes, where the vocabulary has them; BPE does so by itself. */
function fallBackToBytes({ model }: Implementation): void {
  if (!model || !Array.isArray(model.config.vocab)) return;
  const encoder = new TextEncoder();
  const encode = model.encode.bind(model);
  const bytesOf = (piece: string): string[] => {
    if (model.tokens_to_ids.has(piece)) return [piece];
    const tokens = Array.from(
      encoder.encode(piece),
      (byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`,
    );
    return tokens.every((token) => model.tokens_to_ids.has(token)) ? tokens : [piece];
  };
  model.encode = (tokens) => encode(tokens).flatMap(bytesOf);
}

/** The implementation makes a list as long as the largest id, and goes through all of it. */
const MAX_ID = 2 ** 24;

/** @throws TextError for an id that no vocabulary has */
function checkIds({
  model,
  added_tokens,
}: {
  readonly model?: unknown;
  readonly added_tokens?: unknown;
}): void {
  const { vocab } = (model ?? {}) as { readonly vocab?: unknown };
  const own =
    typeof vocab === "object" && vocab !== null && !Array.isArray(vocab) ? Object.values(vocab) : [];
  const tokens: readonly { readonly id?: unknown; readonly content?: unknown }[] = Array.isArray(added_tokens)
    ? added_tokens.map((token) => token ?? {})
    : [];
  for (const { content } of tokens) {
    if (typeof content === "string") continue;
    throw refused(`an added token's content is ${JSON.stringify(content)}, but must be a text`);
  }
  const added = tokens.map(({ id }) => id);
  const wrong = [...own, ...added].find((id) => typeof id === "number" && !(id >= 0 && id < MAX_ID));
  if (wrong !== undefined) throw refused(`it has a token of id ${wrong}, but ids are below ${MAX_ID}`);
}

function refused(problem: string): TextError {
  return new TextError(
    `It is no tokenizer that can be read (${problem}): a public model's tokenizer.json is needed, of type Unigram, BPE or WordPiece.`,
  );
}

function largest(ids: Iterable<number>): number {
  let found = -1;
  for (const id of ids) found = Math.max(found, id);
  return found;
}

function wellFormed(text: string): string {
  return text.replace(/\p{Cs}/gu, NO_CHARACTER);
}

/** Decodes by the difference that tokens make to the text before them; at the start to that of `before`. */
function streamDecoder(textOf: (ids: readonly number[]) => string, before: readonly number[]): TokenDecoder {
  let context = before;
  let waiting: number[] = [];
  const take = (): string => {
    const text = textOf([...context, ...waiting]).slice(textOf(context).length);
    if (waiting.length > 0) context = waiting;
    waiting = [];
    return text;
  };
  return {
    push(id) {
      waiting.push(id);
      const cut = textOf([...context, ...waiting]).endsWith(NO_CHARACTER);
      return cut && waiting.length < MAX_WAITING ? "" : take();
    },
    end() {
      const rest = take();
      context = before;
      return rest;
    },
  };
}
