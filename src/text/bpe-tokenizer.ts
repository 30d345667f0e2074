// Byte-pair encoding over UTF-8 bytes: ids 0..255 are the bytes, id 256 + i is the pair merges[i]. Merges never cross
// the pieces that `PIECES` cuts a text into, so a text can be encoded piece by piece.
import { runAtOnce } from "./slices.js";
import { bytesToAlphabet, mergesJson } from "./standard-json.js";
import { byteDecoding, type Tokenizer, unknownToken } from "./tokenizer.js";

export type Merge = readonly [first: number, second: number];

export const BYTES = 256;
/** Ids fit 16 bits, so that a pair is one number. */
export const MAX_BPE_VOCAB = 2 ** 16;

/** One number for a pair of ids. */
export function pairKey(first: number, second: number): number {
  return first * MAX_BPE_VOCAB + second;
}

/** White space as `\s` has it, spelled out because other languages' `\s` differs. */
const SPACE = "\t-\r \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff";
const PATTERN = ` ?[\\p{L}\\p{M}]{1,24}| ?\\p{N}{1,3}| ?[^${SPACE}\\p{L}\\p{M}\\p{N}]{1,16}|[${SPACE}]`;
/**
 * A word, number or run of signs with the space before it, or one white-space character. Lengths are bounded, which
 * bounds the work per piece for texts without spaces.
 */
export const PIECES = new RegExp(PATTERN, "gu");

const STEP = 1024; // pieces between pauses: about a millisecond
const CACHED_PIECES = 50_000;

/** The tokenizer of a list of merges, earliest first. `trainBpe` learns one from a text. */
export function bpeTokenizer(merges: readonly Merge[]): Tokenizer {
  const vocabSize = BYTES + merges.length;
  const merged = new Map(merges.map(([first, second], i) => [pairKey(first, second), BYTES + i]));
  const bytes = tokenBytes(merges);
  const encoder = new TextEncoder();
  const cache = new Map<string, readonly number[]>();

  const encodePiece = (piece: string): readonly number[] => {
    const known = cache.get(piece);
    if (known) return known;
    const ids = Array.from(encoder.encode(piece));
    while (mergeEarliest(ids, merged));
    if (cache.size < CACHED_PIECES) cache.set(piece, ids);
    return ids;
  };

  function* encodeSteps(text: string): Generator<number, Uint32Array> {
    let ids = new Uint32Array(Math.max(16, text.length));
    let end = 0;
    let pieces = 0;
    for (const match of text.matchAll(PIECES)) {
      const piece = encodePiece(match[0]);
      if (end + piece.length > ids.length) {
        const grown = new Uint32Array(2 * (end + piece.length));
        grown.set(ids);
        ids = grown;
      }
      for (const id of piece) ids[end++] = id;
      if (++pieces % STEP === 0) yield match.index;
    }
    return ids.slice(0, end);
  }
  return {
    vocabSize,
    encodeSteps,
    encode: (text) => runAtOnce(encodeSteps(text)),
    ...byteDecoding((id) => bytes[id] ?? unknownToken(id, vocabSize)),
    toJSON: () => (hasTwins(bytes) ? { type: "bpe", merges } : mergesJson(bytes, merges, PATTERN)),
  };
}

/** Merges every occurrence of the earliest-learned pair in `ids`, in place; false where there is none. */
function mergeEarliest(ids: number[], merged: ReadonlyMap<number, number>): boolean {
  let earliest = Number.POSITIVE_INFINITY;
  for (let i = 0; i + 1 < ids.length; i++) {
    const id = merged.get(pairKey(ids[i] as number, ids[i + 1] as number));
    if (id !== undefined && id < earliest) earliest = id;
  }
  if (earliest === Number.POSITIVE_INFINITY) return false;
  let kept = 0;
  for (let i = 0; i < ids.length; i++) {
    const pair = i + 1 < ids.length ? merged.get(pairKey(ids[i] as number, ids[i + 1] as number)) : undefined;
    ids[kept++] = pair === earliest ? earliest : (ids[i] as number);
    if (pair === earliest) i++;
  }
  ids.length = kept;
  return true;
}

/** Whether two tokens have the same bytes, which tokenizer.json cannot express; `trainBpe` made such ones once. */
function hasTwins(tokens: readonly Uint8Array[]): boolean {
  return new Set(tokens.map(bytesToAlphabet)).size < tokens.length;
}

/** The bytes of every token. */
export function tokenBytes(merges: readonly Merge[]): Uint8Array[] {
  const bytes = Array.from({ length: BYTES }, (_, byte) => Uint8Array.of(byte));
  for (const [first, second] of merges) {
    bytes.push(Uint8Array.of(...(bytes[first] as Uint8Array), ...(bytes[second] as Uint8Array)));
  }
  return bytes;
}
