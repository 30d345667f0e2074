// Text from prompts: tokens from the generator, decoded as they come, ending before a stop string.
import { longestLength, type ReformerConfig } from "../config/config.js";
import { ConfigError } from "../errors.js";
import { Generator } from "../generate/generator.js";
import { planGeneration } from "../generate/recordings.js";
import { encodeText, type TokenDecoder, type Tokenizer } from "../text/tokenizer.js";
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
 * Continues every prompt, a piece per token that completes text. Each ends after `maxNewTokens`, before a stop string, at the
 * end-of-text token, or where the model's positions end.
 * @throws {ConfigError} {ShapeError} where an option or a prompt's length does not fit
 */
export async function* generateText(
  { config, tokenizer, device }: WritingModel,
  prompts: readonly string[],
  options: GenerateOptions,
): AsyncGenerator<GeneratedPiece, undefined> {
  const { maxNewTokens = DEFAULT_NEW_TOKENS, stop = [], numHashes: _, signal, ...sampling } = options;
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
  if (maxNewTokens === 0 || prompts.length === 0) return undefined;
  signal?.throwIfAborted();
  const tokens: Uint32Array[] = [];
  for (const prompt of prompts) tokens.push(await encodeText(tokenizer, prompt, { signal }));
  const longest = Math.max(1, ...tokens.map(({ length }) => length));
  const shape = {
    batch: prompts.length,
    capacity: Math.min(longestLength(config), longest + maxNewTokens),
    streams: "f32",
  } as const;
  const { gpu, weights, base, planner } = device;
  const planned = await planner.plan((profile) => planGeneration(config, shape, weights, profile));
  const generator = await Generator.create(gpu, planned, base, { planner, signal });
  try {
    const writers = prompts.map((_, prompt) => new Writer(tokenizer, stop, prompt));
    for await (const { tokens: chosen } of generator.generate(tokens, {
      maxNewTokens,
      signal,
      ...sampling,
    })) {
      for (const [prompt, token] of chosen.entries()) {
        const piece = token === undefined ? undefined : writers[prompt]?.push(token);
        if (piece) yield piece;
      }
      if (writers.every(({ stopped }) => stopped)) return undefined;
    }
    for (const writer of writers) {
      const rest = writer.end();
      if (rest) yield rest;
    }
    return undefined;
  } finally {
    generator.dispose();
  }
}

/** The text of one prompt's tokens, until a stop string. */
class Writer {
  readonly #text: StoppableText;
  readonly #decoder: TokenDecoder;
  #last = 0;

  constructor(
    readonly tokenizer: Tokenizer,
    stop: string | readonly string[],
    readonly prompt: number,
  ) {
    this.#text = new StoppableText(typeof stop === "string" ? [stop] : stop);
    this.#decoder = tokenizer.decoder();
  }

  get stopped(): boolean {
    return this.#text.stopped;
  }

  push(token: number): GeneratedPiece | undefined {
    if (this.stopped) return undefined;
    this.#last = token;
    return this.#piece(this.#text.push(token < this.tokenizer.vocabSize ? this.#decoder.push(token) : ""));
  }

  end(): GeneratedPiece | undefined {
    return this.#piece(this.#text.push(this.#decoder.end()) + this.#text.end());
  }

  #piece(text: string): GeneratedPiece | undefined {
    return text ? { text, token: this.#last, prompt: this.prompt } : undefined;
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
