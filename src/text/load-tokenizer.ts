import { TextError } from "../errors.js";
import { BYTES, bpeTokenizer, MAX_BPE_VOCAB, type Merge } from "./bpe-tokenizer.js";
import { byteTokenizer } from "./byte-tokenizer.js";
import { characterTokenizerOf, LONE_SURROGATE } from "./character-tokenizer.js";
import type { Tokenizer } from "./tokenizer.js";

const MAX_OFFSET = 1024;
const MAX_TOKEN_BYTES = 128; // no piece is longer; a hostile file could double the length 65,280 times

/**
 * The tokenizer whose `toJSON()` this is (parsed).
 * @throws TextError saying which part is wrong
 */
export function tokenizerFromJSON(json: unknown): Tokenizer {
  if (typeof json !== "object" || json === null) throw refused("it must be an object with a type");
  const { type, offset, characters, merges } = json as Record<string, unknown>;
  switch (type) {
    case "bytes": {
      const valid = Number.isInteger(offset) && (offset as number) >= 0 && (offset as number) <= MAX_OFFSET;
      if (!valid)
        throw refused(`offset is ${String(offset)}, needed is a whole number from 0 to ${MAX_OFFSET}`);
      return byteTokenizer(offset as number);
    }
    case "characters":
      return characterTokenizerOf(checkCharacters(characters));
    case "bpe":
      return bpeTokenizer(checkMerges(merges));
    default:
      throw refused(`type is ${JSON.stringify(type) ?? "missing"}, needed is "bytes", "characters" or "bpe"`);
  }
}

function refused(reason: string): TextError {
  return new TextError(`This is no tokenizer.json of this library: ${reason}.`);
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
