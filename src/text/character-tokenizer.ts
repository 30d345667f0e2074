import { TextError } from "../errors.js";
import { runAtOnce } from "./slices.js";
import { charactersJson } from "./standard-json.js";
import { type Tokenizer, unknownToken } from "./tokenizer.js";

export const UNKNOWN = "\ufffd";
/** Half of a surrogate pair, which no UTF-8 can hold. */
export const LONE_SURROGATE = /\p{Cs}/u;
const STEP = 16_384; // characters between pauses: about a millisecond

/**
 * One token per Unicode character (code point) of `text`, in code-point order after id 0, which stands for every
 * character the text does not have and decodes to U+FFFD.
 * @throws TextError where the text is empty
 */
export function characterTokenizer(text: string): Tokenizer {
  if (text.length === 0) {
    throw new TextError(
      "The text is empty: a character vocabulary needs at least one character to learn from.",
    );
  }
  const codes = new Set<number>();
  for (const character of text) codes.add(character.codePointAt(0) as number);
  const known = [...codes].sort((a, b) => a - b).map((code) => String.fromCodePoint(code));
  return characterTokenizerOf(known.filter((one) => one !== UNKNOWN && !LONE_SURROGATE.test(one)));
}

/** The character tokenizer of a given vocabulary: id i + 1 is `characters[i]`. */
export function characterTokenizerOf(characters: readonly string[]): Tokenizer {
  const vocabSize = characters.length + 1;
  const idOf = new Map(characters.map((character, i) => [character.codePointAt(0), i + 1]));
  const textOf = (id: number): string =>
    id === 0 ? UNKNOWN : (characters[id - 1] ?? unknownToken(id, vocabSize));

  function* encodeSteps(text: string): Generator<number, Uint32Array> {
    const ids = new Uint32Array(text.length);
    let end = 0;
    let units = 0;
    for (const character of text) {
      ids[end++] = idOf.get(character.codePointAt(0)) ?? 0;
      units += character.length;
      if (end % STEP === 0) yield units;
    }
    return ids.slice(0, end);
  }
  return {
    vocabSize,
    encodeSteps,
    encode: (text) => runAtOnce(encodeSteps(text)),
    decode: (ids) => Array.from(ids, textOf).join(""),
    decoder: () => ({ push: textOf, end: () => "" }),
    toJSON: () => charactersJson(UNKNOWN, characters),
  };
}
