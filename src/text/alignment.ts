// Which part of a text every token of it stands for. Some tokenizers give back another text than they got: a space in front,
// runs of spaces as one, other letters of the same kind, nothing for what they do not know.
import type { Tokenizer } from "./tokenizer.js";

/** From `start` to before `end`, UTF-16 units. */
export interface TextSpan {
  readonly start: number;
  readonly end: number;
}

/**
 * How far ahead of where it was expected a token's text is looked for, characters: beyond, it counts as unknown. After each
 * unknown token, which may stand for any number of them, it is as many times as far.
 */
const AHEAD = 64;
const SPACE = /\s/u;

/** One span per token. A token of a part of a character counts as all of it; one of nothing but spaces is empty. */
export function tokenSpans(tokenizer: Tokenizer, tokens: Uint32Array, given: string): TextSpan[] {
  const text = given.replace(/\p{Cs}/gu, "\ufffd"); // as tokenizers read it; of the same length
  const decoder = tokenizer.decoder();
  const pieces = Array.from(tokens, (token) => decoder.push(token));
  pieces[pieces.length - 1] += decoder.end();
  return fillGaps(pieces.join("") === text ? exactSpans(pieces) : alignedSpans(pieces, text), text.length);
}

function exactSpans(pieces: readonly string[]): (TextSpan | undefined)[] {
  let start = 0;
  return pieces.map((piece) => {
    if (piece === "") return undefined;
    const span = { start, end: start + piece.length };
    start = span.end;
    return span;
  });
}

/** A character without what normalizers change (NFKC and the like, case, accents); may be several, or none. */
function folded(character: string): string {
  return character
    .normalize("NFKD")
    .replace(/\p{M}|\s/gu, "")
    .toLowerCase();
}

/** The folded characters of a text, and which part of it each came from. */
function foldText(text: string): { readonly characters: string; readonly spans: readonly TextSpan[] } {
  let characters = "";
  const spans: TextSpan[] = [];
  let start = 0;
  for (const character of text) {
    const fold = folded(character);
    characters += fold;
    for (let i = 0; i < fold.length; i++) spans.push({ start, end: start + character.length });
    start += character.length;
  }
  return { characters, spans };
}

function alignedSpans(pieces: readonly string[], text: string): (TextSpan | undefined)[] {
  const { characters, spans } = foldText(text);
  let at = 0;
  let end = 0;
  let ahead = AHEAD;
  return pieces.map((piece) => {
    const fold = folded(piece);
    if (fold === "" && SPACE.test(piece)) return { start: end, end };
    const found = fold === "" ? -1 : characters.slice(at, at + ahead + fold.length).indexOf(fold);
    if (found < 0) {
      ahead = Math.min(AHEAD * ahead, characters.length);
      return undefined;
    }
    ahead = AHEAD;
    const first = spans[at + found] as TextSpan;
    const last = spans[at + found + fold.length - 1] as TextSpan;
    at += found + fold.length;
    end = last.end;
    return { start: first.start, end };
  });
}

/** Tokens of no text of their own: all of what lies between their neighbours, or the character that the next completes. */
function fillGaps(found: readonly (TextSpan | undefined)[], length: number): TextSpan[] {
  const spans: TextSpan[] = [];
  let next: TextSpan = { start: length, end: length };
  const following = found
    .map((_, i) => found[found.length - 1 - i])
    .map((span) => {
      next = span ?? next;
      return next;
    })
    .reverse();
  let before = 0;
  found.forEach((span, i) => {
    const after = following[i] as TextSpan;
    spans.push(span ?? (after.start > before ? { start: before, end: after.start } : after));
    before = span?.end ?? before;
  });
  return spans;
}
