// The "Precompiled" normaliser of a tokenizer.json: SentencePiece's table of replacements, a double-array trie over UTF-8
// followed by the replacements, each ended by a zero byte.
import { TextError } from "../errors.js";
import { characterBoundary } from "./tokenizer.js";

/** Longer graphemes are looked up character by character. */
const MAX_GRAPHEME_BYTES = 5;
const LABEL = 0x8000_00ff;
const LEAF = 1 << 8;
const VALUE = 0x7fff_ffff;
/** More are no text's: the tables of SentencePiece have some 300 KB. */
const MAX_BASE64 = 2 ** 24;
/** Graphemes whose replacement is kept: more than any script has in common use, some 1 MB. */
const MAX_KNOWN = 10_000;
/** Characters that are graphemes of their own among each other: to segment them would only take time. */
const SIMPLE = /^[ -~]+$/;
/** A run of them that nothing combines with, or what lies between two such runs with its neighbours. */
const SIMPLE_OR_NOT = /[ -~]+(?![^ -~])|(?:[ -~]?[^ -~]+)+[ -~]?/g;

/** UTF-16 units segmented at once: time grows with the square of them. */
const WINDOW = 512;
const SEGMENTER = new Intl.Segmenter("en", { granularity: "grapheme" });

/**
 * The function of a table, in base64. Like `tokenizers` it looks up whole graphemes by the shortest key that they begin with.
 * @throws TextError where it is no such table
 */
export function charsmapNormalizer(base64: string): (text: string) => string {
  const { units, replacements } = read(base64);
  const encoder = new TextEncoder();
  const decoder = new TextDecoder();

  const replacementOf = (part: string): string | undefined => {
    let node = 0;
    let unit = units[0] as number;
    node ^= offsetOf(unit);
    for (const byte of encoder.encode(part)) {
      if (byte === 0) return undefined;
      node ^= byte;
      unit = units[node] ?? 0;
      if ((unit & LABEL) >>> 0 !== byte) return undefined;
      node ^= offsetOf(unit);
      if ((unit & LEAF) === 0) continue;
      const start = (units[node] ?? 0) & VALUE;
      const end = replacements.indexOf(0, start);
      return decoder.decode(replacements.subarray(start, end < 0 ? replacements.length : end));
    }
    return undefined;
  };
  const known = new Map<string, string>();
  const normalize = (grapheme: string): string => {
    const whole = encoder.encode(grapheme).length <= MAX_GRAPHEME_BYTES ? replacementOf(grapheme) : undefined;
    return whole ?? Array.from(grapheme, (character) => replacementOf(character) ?? character).join("");
  };
  const cached = (grapheme: string): string => {
    const found = known.get(grapheme);
    if (found !== undefined) return found;
    const made = normalize(grapheme);
    if (known.size < MAX_KNOWN) known.set(grapheme, made);
    return made;
  };
  return (text) =>
    text.replace(SIMPLE_OR_NOT, (run) =>
      Array.from(SIMPLE.test(run) ? run : graphemesOf(run), cached).join(""),
    );
}

/** The graphemes of a text of any length. One longer than a window is cut. */
function* graphemesOf(text: string): Generator<string> {
  for (let start = 0; start < text.length; ) {
    const end = characterBoundary(text, Math.min(start + WINDOW, text.length));
    const graphemes = Array.from(SEGMENTER.segment(text.slice(start, end)), ({ segment }) => segment);
    if (end < text.length && graphemes.length > 1) graphemes.pop(); // it may go on
    for (const grapheme of graphemes) {
      start += grapheme.length;
      yield grapheme;
    }
  }
}

function offsetOf(unit: number): number {
  return (unit >>> 10) << ((unit & (1 << 9)) >>> 6);
}

function read(base64: string): { units: Uint32Array; replacements: Uint8Array } {
  if (base64.length > MAX_BASE64) throw refused("is too large");
  let bytes: Uint8Array;
  try {
    bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  } catch {
    throw refused("is not base64");
  }
  const view = new DataView(bytes.buffer);
  const size = bytes.length >= 4 ? view.getUint32(0, true) : 0;
  if (size < 4 || size % 4 !== 0 || 4 + size > bytes.length) throw refused("ends inside its trie");
  const units = Uint32Array.from({ length: size / 4 }, (_, i) => view.getUint32(4 + 4 * i, true));
  return { units, replacements: bytes.subarray(4 + size) };
}

function refused(problem: string): TextError {
  return new TextError(
    `The tokenizer.json has a normaliser of type Precompiled whose precompiled_charsmap ${problem}. Get the file again.`,
  );
}
