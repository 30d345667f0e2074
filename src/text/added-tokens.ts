// Tokens that were added to a vocabulary, found in a text as Hugging Face's `tokenizers` finds them: the longest at the
// first place where there is one, whole words alone where it says so, with the white space beside it where it takes that.

import { WORD } from "./public-steps.js";

/** An entry of tokenizer.json's list of them. */
export interface AddedToken {
  readonly id: number;
  readonly content: string;
  /** Not inside a word. */
  readonly single_word: boolean;
  /** White space before it belongs to it. */
  readonly lstrip: boolean;
  /** White space after it belongs to it. */
  readonly rstrip: boolean;
  /** Looked for in the normalized text. */
  readonly normalized: boolean;
  readonly special: boolean;
}

/** From `start` to before `end`, UTF-16 units: an added token, or, without an id, text between two of them. */
export interface Section {
  readonly start: number;
  readonly end: number;
  readonly id?: number;
}

const ENDS_IN_WORD = new RegExp(`[${WORD}]$`, "u");
const STARTS_IN_WORD = new RegExp(`^[${WORD}]`, "u");
const IS_SPACE = /^\p{White_Space}$/u;
/** UTF-16 units of the longest character. */
const CHARACTER = 2;

/** What cuts a text into sections, given each token with the text that stands for it; of two with one text the first counts. */
export function sectionsAt(
  tokens: readonly (readonly [text: string, token: AddedToken])[],
): (text: string) => readonly Section[] {
  const byText = new Map([...tokens].reverse().filter(([text]) => text !== ""));
  if (byText.size === 0) return (text) => (text === "" ? [] : [{ start: 0, end: text.length }]);
  const longestFirst = [...byText.keys()].sort((a, b) => b.length - a.length);
  const any = new RegExp(longestFirst.map(literal).join("|"), "g");
  return (text) => {
    const sections: Section[] = [];
    let done = 0;
    const plain = (end: number) => {
      if (done < end) sections.push({ start: done, end });
    };
    for (const { 0: found, index } of text.matchAll(any)) {
      const token = byText.get(found) as AddedToken;
      let [start, end] = [index, index + found.length];
      if (token.single_word && !standsAlone(text, start, end)) continue;
      while (token.lstrip && start > done && IS_SPACE.test(text.charAt(start - 1))) start--;
      while (token.rstrip && IS_SPACE.test(text.charAt(end))) end++;
      plain(start);
      sections.push({ start, end, id: token.id });
      done = end;
    }
    plain(text.length);
    return sections;
  };
}

function standsAlone(text: string, start: number, end: number): boolean {
  const before = text.slice(Math.max(0, start - CHARACTER), start);
  return !ENDS_IN_WORD.test(before) && !STARTS_IN_WORD.test(text.slice(end, end + CHARACTER));
}

function literal(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&");
}
