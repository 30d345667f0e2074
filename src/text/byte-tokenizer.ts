import { runAtOnce } from "./slices.js";
import { bytesJson } from "./standard-json.js";
import { byteDecoding, characterBoundary, type Tokenizer, unknownToken } from "./tokenizer.js";

const SLICE_UNITS = 65_536; // about a millisecond of TextEncoder

/**
 * One token per UTF-8 byte: any language, vocabulary 256 + offset.
 * `offset` 2 is the byte code of the public enwik8 checkpoint; ids below the offset decode to nothing.
 */
export function byteTokenizer(offset = 0): Tokenizer {
  const vocabSize = 256 + offset;
  const bytes = Array.from({ length: vocabSize }, (_, id) =>
    id < offset ? new Uint8Array(0) : Uint8Array.of(id - offset),
  );

  function* encodeSteps(text: string): Generator<number, Uint32Array> {
    const encoder = new TextEncoder();
    const pieces: Uint8Array[] = [];
    for (let start = 0; start < text.length; ) {
      const end = characterBoundary(text, Math.min(start + SLICE_UNITS, text.length));
      pieces.push(encoder.encode(text.slice(start, end)));
      start = end;
      yield end;
    }
    const ids = new Uint32Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
    let end = 0;
    for (const piece of pieces) {
      for (const byte of piece) ids[end++] = byte + offset;
    }
    return ids;
  }
  return {
    vocabSize,
    encodeSteps,
    encode: (text) => runAtOnce(encodeSteps(text)),
    ...byteDecoding((id) => bytes[id] ?? unknownToken(id, vocabSize)),
    toJSON: () => bytesJson(offset),
  };
}
