// From a tokenizer.json to a tokenizer: those of this library by themselves, all others through Hugging Face's.
import { TextError } from "../errors.js";
import { BYTES, bpeTokenizer, MAX_BPE_VOCAB, type Merge } from "./bpe-tokenizer.js";
import { byteTokenizer } from "./byte-tokenizer.js";
import { characterTokenizerOf, LONE_SURROGATE, UNKNOWN } from "./character-tokenizer.js";
import { checkPatterns } from "./patterns.js";
import { publicTokenizer } from "./public-tokenizer.js";
import { readBpe, type TokenizerJson } from "./standard-json.js";
import type { Tokenizer } from "./tokenizer.js";

const MAX_OFFSET = 1024;
const MAX_TOKEN_BYTES = 128; // no piece is longer; a hostile file could double the length 65,280 times

/**
 * The tokenizer of any tokenizer.json (parsed).
 * @param vocabSize of the model: a token added beyond its vocabulary cannot be used
 * @throws TextError saying which part is wrong
 */
export async function loadTokenizer(json: unknown, vocabSize: number): Promise<Tokenizer> {
  if (typeof json !== "object" || json === null) throw refused("it must be an object");
  const own = ownTokenizer(json as TokenizerJson);
  if (own) return own;
  checkPatterns(json);
  return publicTokenizer(json as TokenizerJson, vocabSize);
}

/** Whether two files say the same, whichever version of this library wrote them. */
export function sameTokenizer(a: unknown, b: unknown): boolean {
  const [first, second] = [a, b].map((json) => JSON.stringify(current(json)));
  return first === second;
}

function current(json: unknown): unknown {
  try {
    return ownTokenizer(json as TokenizerJson)?.toJSON() ?? json;
  } catch {
    return json;
  }
}

/**
 * The tokenizer whose `toJSON()` this is, now or in the versions before tokenizer.json; undefined for any other.
 * @throws TextError where an older file is damaged
 */
export function ownTokenizer(json: TokenizerJson): Tokenizer | undefined {
  switch (json.type) {
    case undefined: {
      const found = standardTokenizer(json);
      return found && JSON.stringify(found.toJSON()) === JSON.stringify(json) ? found : undefined;
    }
    case "bytes": {
      const { offset } = json;
      const valid = Number.isInteger(offset) && (offset as number) >= 0 && (offset as number) <= MAX_OFFSET;
      if (!valid)
        throw refused(`offset is ${String(offset)}, needed is a whole number from 0 to ${MAX_OFFSET}`);
      return byteTokenizer(offset as number);
    }
    case "characters":
      return characterTokenizerOf(checkCharacters(json.characters));
    case "bpe":
      return bpeTokenizer(checkMerges(json.merges));
    default:
      throw refused(`type is ${JSON.stringify(json.type)}, needed is "bytes", "characters" or "bpe"`);
  }
}

/** The tokenizer of this library that a tokenizer.json looks like; the caller checks whether it is. */
function standardTokenizer(json: TokenizerJson): Tokenizer | undefined {
  const read = readBpe(json);
  if (!read) return undefined;
  const { tokens, merges } = read;
  try {
    if (tokens[0] === UNKNOWN) return characterTokenizerOf(checkCharacters(tokens.slice(1)));
    const offset = tokens.length - BYTES;
    if (merges.length === 0) return offset >= 0 && offset <= MAX_OFFSET ? byteTokenizer(offset) : undefined;
    const ids = new Map(tokens.map((token, id) => [token, id]));
    const pairs = merges.map(([first, second]) => [ids.get(first), ids.get(second)]);
    return bpeTokenizer(checkMerges(pairs));
  } catch (error) {
    if (error instanceof TextError) return undefined;
    throw error;
  }
}

function refused(reason: string): TextError {
  return new TextError(`It is no tokenizer that can be read: ${reason}.`);
}

function checkCharacters(characters: unknown): string[] {
  if (!Array.isArray(characters)) throw refused("characters must be a list");
  for (const [i, character] of characters.entries()) {
    const single =
      typeof character === "string" && [...character].length === 1 && !LONE_SURROGATE.test(character);
    if (!single) throw refused(`characters[${i}] must be a string of one Unicode character`);
  }
  if (new Set(characters).size !== characters.length) throw refused("characters must not repeat");
  return characters;
}

function checkMerges(merges: unknown): Merge[] {
  if (!Array.isArray(merges) || merges.length > MAX_BPE_VOCAB - BYTES) {
    throw refused(`merges must be a list of at most ${MAX_BPE_VOCAB - BYTES} pairs`);
  }
  const lengths = new Array<number>(BYTES).fill(1);
  for (const [i, pair] of merges.entries()) {
    const earlier = (id: unknown) =>
      Number.isInteger(id) && (id as number) >= 0 && (id as number) < BYTES + i;
    if (!Array.isArray(pair) || pair.length !== 2 || !pair.every(earlier)) {
      throw refused(`merges[${i}] must be two ids below ${BYTES + i}`);
    }
    const length = (lengths[pair[0]] as number) + (lengths[pair[1]] as number);
    if (length > MAX_TOKEN_BYTES)
      throw refused(`merges[${i}] makes a token of more than ${MAX_TOKEN_BYTES} bytes`);
    lengths.push(length);
  }
  return merges;
}
