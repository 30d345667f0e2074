// What every tokenizer offers, and the two pieces they share: long texts in slices, bytes back to text.
import { TextError } from "../errors.js";
import { runInSlices, type SliceOptions } from "./slices.js";
import type { TokenizerJson } from "./standard-json.js";

/** Turns ids into text one at a time; holds back the bytes of an unfinished character. */
export interface TokenDecoder {
  /** Text that this id completes; may be empty. */
  push(id: number): string;
  /** The rest, an unfinished character as U+FFFD; the decoder can then be used again. */
  end(): string;
}

/** Text ↔ token ids 0..vocabSize−1. Every text can be encoded; lone surrogates become U+FFFD. */
export interface Tokenizer {
  readonly vocabSize: number;
  /** Encodes in steps, yielding the UTF-16 units done so far and returning the ids. */
  encodeSteps(text: string): Generator<number, Uint32Array>;
  /** Encodes at once: for prompts. `encodeText` is for books. */
  encode(text: string): Uint32Array;
  /** @throws TextError where an id is not of this vocabulary */
  decode(ids: ArrayLike<number>): string;
  /** Decodes what continues a text: where a token begins with a space, so does what it gives. */
  decoder(): TokenDecoder;
  /** A tokenizer.json as Hugging Face's `tokenizers` reads it. */
  toJSON(): TokenizerJson;
}

/**
 * Encodes a text of any length without blocking. Progress is in UTF-16 units.
 * @throws signal.reason where the signal aborts
 */
export function encodeText(
  tokenizer: Tokenizer,
  text: string,
  options: SliceOptions = {},
): Promise<Uint32Array> {
  return runInSlices(tokenizer.encodeSteps(text), text.length, options);
}

/** `at`, or one more where that would cut a surrogate pair in two. */
export function characterBoundary(text: string, at: number): number {
  const before = text.charCodeAt(at - 1);
  const after = text.charCodeAt(at);
  const splits = before >= 0xd800 && before < 0xdc00 && after >= 0xdc00 && after < 0xe000;
  return splits ? at + 1 : at;
}

/** Decoding for vocabularies whose tokens are byte strings: all of them together must be UTF-8, not each alone. */
export function byteDecoding(bytesOf: (id: number) => Uint8Array): Pick<Tokenizer, "decode" | "decoder"> {
  const newDecoder = () => new TextDecoder("utf-8", { ignoreBOM: true }); // a byte-order mark is text too
  return {
    decode(ids) {
      const pieces = Array.from(ids, bytesOf);
      const bytes = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
      let end = 0;
      for (const piece of pieces) {
        bytes.set(piece, end);
        end += piece.length;
      }
      return newDecoder().decode(bytes);
    },
    decoder() {
      const decoder = newDecoder();
      return {
        push: (id) => decoder.decode(bytesOf(id), { stream: true }),
        end: () => decoder.decode(),
      };
    },
  };
}

/** @throws TextError always */
export function unknownToken(id: number, vocabSize: number): never {
  throw new TextError(
    `Token ${id} is not in this vocabulary of ${vocabSize}: decode with the tokenizer that encoded.`,
    { id, vocabSize },
  );
}
