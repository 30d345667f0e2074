// Tokens to train on, and the fixed tail of the text that is only ever measured. Batches are functions of (seed, step),
// so a resumed run sees what an uninterrupted one would have seen.
import { ConfigError, TextError } from "../errors.js";
import { Random } from "../random.js";
import type { SliceOptions } from "./slices.js";
import { characterBoundary, encodeText, type Tokenizer } from "./tokenizer.js";

/** Windows of tokens, row after row: inputs and targets, both [batchSize, length]. */
export interface Batch {
  readonly inputs: Uint32Array;
  /** What each position predicts: in a text the next token; -100 is ignored. */
  readonly targets: Uint32Array | Int32Array | Float32Array;
  /** Targets that are not ignored, or the sum of their weights; left out: all of them. */
  readonly counted?: number | undefined;
  /** Real tokens of each window, which are its first; left out: all of them. */
  readonly lengths?: readonly number[] | undefined;
  /** With pairs of sequences: real tokens of each row of `targets`, which has -100 after them. */
  readonly targetLengths?: readonly number[] | undefined;
  /** What each target counts, for heads that have one or two a window; left out: 1. */
  readonly weights?: Float32Array | undefined;
  readonly batchSize: number;
  readonly length: number;
}

export interface BatchShape {
  readonly batchSize: number;
  /** Tokens per window. */
  readonly length: number;
}

/** Where training takes its batches from: a text, or a task that makes them up. */
export interface BatchSource {
  /** The batch of a step, a function of (step, shape, seed) alone. */
  batch(step: number, shape: BatchShape, seed: number): Batch;
}

/** Targets of a batch that are not ignored. */
export function countedTargets({ counted, batchSize, length }: Batch): number {
  return counted ?? batchSize * length;
}

/** Share of a text that is held out: its last tenth. */
export const HELD_OUT = 0.1;

/** A text's first part, to train on, and its last, held out. Never cuts a character. */
export function splitText(text: string, heldOut = HELD_OUT): { train: string; heldOut: string } {
  if (!(heldOut >= 0 && heldOut < 1)) {
    throw new ConfigError(`heldOut is ${heldOut}, but must be a share of the text from 0 to below 1.`, {
      field: "heldOut",
    });
  }
  const cut = characterBoundary(text, Math.floor(text.length * (1 - heldOut)));
  return { train: text.slice(0, cut), heldOut: text.slice(cut) };
}

/** Unicode characters (code points) of a text, the unit of "bits per character". */
export function countCharacters(text: string): number {
  let characters = 0;
  for (const _ of text) characters++;
  return characters;
}

export class TokenDataset implements BatchSource {
  /**
   * @param heldOutCharacters characters that the held-out tokens encode; for bits per character
   * @param stride windows to train on begin at multiples of so many tokens
   */
  constructor(
    readonly train: Uint32Array,
    readonly heldOut: Uint32Array,
    readonly heldOutCharacters: number,
    readonly stride = 1,
  ) {}

  /**
   * Splits the text, then encodes both parts.
   * @throws TextError where the text is empty; signal.reason on abort
   */
  static async fromText(
    text: string,
    tokenizer: Tokenizer,
    options: SliceOptions & {
      readonly heldOut?: number | undefined;
      readonly stride?: number | undefined;
    } = {},
  ): Promise<TokenDataset> {
    if (text.length === 0) throw new TextError("The text is empty: give a text to train on.");
    const parts = splitText(text, options.heldOut);
    const { signal, onProgress } = options;
    const report = (before: number) => ({
      signal,
      onProgress:
        onProgress &&
        (({ loaded }: { loaded: number }) => onProgress({ loaded: before + loaded, total: text.length })),
    });
    const train = await encodeText(tokenizer, parts.train, report(0));
    const heldOut = await encodeText(tokenizer, parts.heldOut, report(parts.train.length));
    return new TokenDataset(train, heldOut, countCharacters(parts.heldOut), options.stride);
  }

  /** Bits per held-out character of a mean loss in nats per token. */
  bitsPerCharacter(loss: number): number {
    return ((loss / Math.LN2) * this.heldOut.length) / this.heldOutCharacters;
  }

  /**
   * The batch of a step: windows at random places of the training part.
   * @throws TextError where the training part holds no window of length + 1 tokens
   */
  batch(step: number, shape: BatchShape, seed = 0): Batch {
    const { batchSize, length } = checkShape(shape);
    checkTokens("training", this.train.length, length);
    const random = new Random(seed, step);
    const places = Math.ceil((this.train.length - length) / this.stride);
    const starts = Array.from({ length: batchSize }, () => this.stride * random.below(places));
    return windows(this.train, starts, length);
  }

  /**
   * The held-out part as windows side by side, in batches; a last piece shorter than a window is left out. With
   * `limit`, that many windows evenly spread, the same at every call.
   * @throws TextError where the held-out part holds no window of length + 1 tokens
   */
  *heldOutWindows(shape: BatchShape, limit = Number.POSITIVE_INFINITY): Generator<Batch> {
    const { batchSize, length } = checkShape(shape);
    checkTokens("held-out", this.heldOut.length, length);
    const all = Math.floor((this.heldOut.length - 1) / length);
    const used = Math.min(all, limit);
    for (let first = 0; first < used; first += batchSize) {
      const rows = Math.min(batchSize, used - first);
      const starts = Array.from(
        { length: rows },
        (_, row) => Math.floor(((first + row) * all) / used) * length,
      );
      yield windows(this.heldOut, starts, length);
    }
  }
}

function windows(tokens: Uint32Array, starts: readonly number[], length: number): Batch {
  const inputs = new Uint32Array(starts.length * length);
  const targets = new Uint32Array(starts.length * length);
  for (const [row, start] of starts.entries()) {
    inputs.set(tokens.subarray(start, start + length), row * length);
    targets.set(tokens.subarray(start + 1, start + 1 + length), row * length);
  }
  return { inputs, targets, batchSize: starts.length, length };
}

function checkShape(shape: BatchShape): BatchShape {
  for (const field of ["batchSize", "length"] as const) {
    if (Number.isInteger(shape[field]) && shape[field] >= 1) continue;
    throw new ConfigError(`${field} is ${shape[field]}, but must be a whole number of at least 1.`, {
      field,
    });
  }
  return shape;
}

function checkTokens(part: string, given: number, length: number): void {
  if (given > length) return;
  throw new TextError(
    `The ${part} part of the text has ${given} tokens, but windows of ${length} tokens need at least ${length + 1}: give a longer text or a shorter length.`,
    { part, given, needed: length + 1 },
  );
}
