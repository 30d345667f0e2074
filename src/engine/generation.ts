// Text from a prompt: tokens from the generator, decoded as they come, ending before a stop string.
import { longestLength, type ReformerConfig } from "../config/config.js";
import { ConfigError } from "../errors.js";
import { Generator } from "../generate/generator.js";
import type { Tokenizer } from "../text/tokenizer.js";
import type { GeneratedPiece, GenerateOptions } from "../types.js";
import type { OpenDevice } from "./device.js";

/** What writing needs of a model. */
export interface WritingModel {
  readonly config: ReformerConfig;
  readonly tokenizer: Tokenizer;
  readonly device: OpenDevice;
}

/** New tokens where nothing is said. */
const DEFAULT_NEW_TOKENS = 200;

/**
 * Continues `prompt`, a piece per token that completes text. Ends after `maxNewTokens`, before a stop string, at the
 * end-of-text token, or where the model's positions end.
 * @throws {ConfigError} {ShapeError} where an option or the prompt's length does not fit
 */
export async function* generateText(
  { config, tokenizer, device }: WritingModel,
  prompt: string,
  options: GenerateOptions,
): AsyncGenerator<GeneratedPiece, undefined> {
  const { maxNewTokens = DEFAULT_NEW_TOKENS, stop = [], signal, ...sampling } = options;
  if (config.head !== "language-model") {
    throw new ConfigError(`generate() needs a language-model head, but this model's is ${config.head}.`, {
      field: "head",
    });
  }
  if (!Number.isInteger(maxNewTokens) || maxNewTokens < 0) {
    throw new ConfigError(`maxNewTokens is ${maxNewTokens}, but must be a whole number from 0 on.`, {
      field: "maxNewTokens",
    });
  }
  if (maxNewTokens === 0) return undefined;
  signal?.throwIfAborted();
  const tokens = tokenizer.encode(prompt);
  const capacity = Math.min(longestLength(config), Math.max(1, tokens.length) + maxNewTokens);
  const { gpu, weights, base, profile } = device;
  const generator = await Generator.create(gpu, config, weights, base, { capacity, profile, signal });
  try {
    const text = new StoppableText(typeof stop === "string" ? [stop] : stop);
    const decoder = tokenizer.decoder();
    let last = 0;
    for await (const { tokens: chosen } of generator.generate([tokens], {
      maxNewTokens,
      signal,
      ...sampling,
    })) {
      const token = chosen[0];
      if (token === undefined) continue; // still reading the prompt, or ended
      last = token;
      const piece = text.push(token < tokenizer.vocabSize ? decoder.push(token) : "");
      if (piece) yield { text: piece, token };
      if (text.stopped) return undefined;
    }
    const rest = text.push(decoder.end()) + text.end();
    if (rest) yield { text: rest, token: last };
    return undefined;
  } finally {
    generator.dispose();
  }
}

/** Passes text on until a stop string begins; holds back what may still become one. */
class StoppableText {
  #held = "";
  #stopped = false;
  readonly #stops: readonly string[];

  constructor(stops: readonly string[]) {
    this.#stops = stops.filter((s) => s.length > 0);
  }

  get stopped(): boolean {
    return this.#stopped;
  }

  push(text: string): string {
    if (this.#stopped) return "";
    this.#held += text;
    const found = this.#stops.map((s) => this.#held.indexOf(s)).filter((at) => at >= 0);
    if (found.length > 0) {
      this.#stopped = true;
      return this.#held.slice(0, Math.min(...found));
    }
    const keep = Math.max(0, ...this.#stops.map((s) => overlap(this.#held, s)));
    const free = this.#held.slice(0, this.#held.length - keep);
    this.#held = this.#held.slice(this.#held.length - keep);
    return free;
  }

  end(): string {
    const rest = this.#stopped ? "" : this.#held;
    this.#held = "";
    return rest;
  }
}

/** Length of the longest end of `text` that begins `stop`. */
function overlap(text: string, stop: string): number {
  for (let n = Math.min(text.length, stop.length - 1); n > 0; n--)
    if (text.endsWith(stop.slice(0, n))) return n;
  return 0;
}
