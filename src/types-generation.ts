// The public vocabulary of writing text.
import type { HashOptions } from "./config/hashing.js";

/** How tokens are chosen. */
export interface SamplingOptions {
  /** Of sampling, and of the hash rotations unless the configuration fixes them; default 0. */
  readonly seed?: number | undefined;
  /** 0: always the most probable token. Default 1. */
  readonly temperature?: number | undefined;
  /** Only the k most probable tokens; 0 (default): all. */
  readonly topK?: number | undefined;
  /** Only the most probable tokens that together reach this probability; default 1: all. */
  readonly topP?: number | undefined;
  /** Divides positive (multiplies negative) logits of tokens already present; default 1: none. */
  readonly repetitionPenalty?: number | undefined;
}

export interface GenerateOptions extends SamplingOptions, Pick<HashOptions, "numHashes"> {
  readonly maxNewTokens?: number | undefined;
  /** Generation ends before any of these strings. */
  readonly stop?: string | readonly string[] | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A piece of generated text. The pieces of one prompt join to valid UTF-8. */
export interface GeneratedPiece {
  readonly text: string;
  readonly token: number;
  /** Which of several prompts it continues; 0 of a single one. */
  readonly prompt: number;
}

/** An async iterable of text; leaving the loop stops the generation. */
export interface Generation extends AsyncIterable<GeneratedPiece> {
  /** Everything it writes, as one string; of several prompts, what continues the first. */
  text(): Promise<string>;
  /** What continues each prompt. */
  texts(): Promise<string[]>;
}
