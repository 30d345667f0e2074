// Examples as batches: encoded once, shuffled anew for every pass, padded on the right. Batches are functions of
// (seed, step), as those of a text are.
import { fillToken, longestLength, type ReformerConfig } from "../config/config.js";
import { ConfigError, TextError } from "../errors.js";
import { Random } from "../random.js";
import type { Batch, BatchShape, BatchSource } from "../text/dataset.js";
import { encodeText, type Tokenizer } from "../text/tokenizer.js";
import type { AnsweredQuestion, Example, LabelledText, TextPair } from "../types-tasks.js";
import { maskTokens } from "./masking.js";
import { pairTokens } from "./pair-tokens.js";
import { encodeQuestion, NO_ANSWER, tokensOfSpan } from "./question.js";

/** One example ready for the model. */
export interface EncodedExample {
  readonly tokens: Uint32Array;
  /** Of the head: a label's number, a number per label, start and end, or tokens; none in masked language modelling. */
  readonly targets: readonly number[];
  /** What its loss counts. */
  readonly weight: number;
}

/** Random streams of their own: order of examples, and masks. */
const ORDER_STREAM = 11;
const MASK_STREAM = 12;
/** Target of a place that predicts nothing. */
const IGNORED = -100;
/** Held-out masks are those of one step, so that losses compare. */
const HELD_OUT_STEP = 2 ** 32;

/**
 * Encodes examples for the model's head. Texts longer than `length` are cut.
 * @throws {ConfigError} {TextError} naming the example and what is wrong with it
 */
export async function encodeExamples(
  { config, tokenizer }: { readonly config: ReformerConfig; readonly tokenizer: Tokenizer },
  examples: readonly Example[],
  options: {
    readonly length: number;
    /** Longest target, its end included; of sequence-to-sequence models, which cut nothing. */
    readonly targetLength?: number | undefined;
    /** Weight by label, for single-label heads. */
    readonly classWeights?: readonly number[] | undefined;
    readonly signal?: AbortSignal | undefined;
  },
): Promise<EncodedExample[]> {
  const { length, targetLength = length, classWeights, signal } = options;
  const encoded: EncodedExample[] = [];
  for (const [i, example] of examples.entries()) {
    const place = `examples[${i}]`;
    if (config.head === "question-answering") {
      encoded.push(await encodeAnswered(tokenizer, place, example, length, signal));
    } else if (config.head === "sequence-to-sequence") {
      const longest = { source: length, target: targetLength };
      encoded.push(await encodePair({ config, tokenizer }, place, example, longest, signal));
    } else {
      if (typeof (example as LabelledText).text !== "string") {
        throw new ConfigError(
          `${place} has no text, but the ${config.head} head needs { text${labelHint(config)} }.`,
        );
      }
      const tokens = (await encodeText(tokenizer, (example as LabelledText).text, { signal })).subarray(
        0,
        length,
      );
      if (tokens.length === 0)
        throw new TextError(`${place} has an empty text: give one of at least one token.`);
      const targets = config.head === "classification" ? labelTargets(config, place, example) : [];
      const single = config.head === "classification" && config.problemType === "single-label";
      const weight = single ? (classWeights?.[targets[0] as number] ?? 1) : 1;
      encoded.push({ tokens, targets, weight });
    }
    signal?.throwIfAborted();
  }
  return encoded;
}

const labelHint = ({ head }: ReformerConfig) => (head === "classification" ? ", label" : "");

async function encodeAnswered(
  tokenizer: Tokenizer,
  place: string,
  example: Example,
  length: number,
  signal: AbortSignal | undefined,
): Promise<EncodedExample> {
  const { question, context, answer } = example as AnsweredQuestion;
  if (typeof question !== "string" || typeof context !== "string" || answer === undefined) {
    throw new ConfigError(
      `${place} is ${JSON.stringify(example)?.slice(0, 80)}, but a question-answering head needs { question, context, answer: { text, start } or null }.`,
    );
  }
  const encoded = await encodeQuestion(tokenizer, { question, context }, signal);
  const { tokens } = encoded;
  if (tokens.length > length) {
    throw new TextError(
      `${place} has ${tokens.length} tokens, but sequences have ${length}: shorten its context or raise length.`,
      { given: tokens.length, length },
    );
  }
  if (answer === null) return { tokens, targets: [NO_ANSWER, NO_ANSWER], weight: 1 };
  const end = answer.start + answer.text.length;
  if (answer.text.length === 0 || context.slice(answer.start, end) !== answer.text) {
    throw new TextError(
      `${place}: the context does not hold ${JSON.stringify(answer.text)} at ${answer.start}: start counts UTF-16 units of the context.`,
    );
  }
  const span = tokensOfSpan(encoded, answer.start, end);
  if (!span) throw new TextError(`${place}: no token holds the answer: check the tokenizer.`);
  return { tokens, targets: span, weight: 1 };
}

async function encodePair(
  { config, tokenizer }: { readonly config: ReformerConfig; readonly tokenizer: Tokenizer },
  place: string,
  example: Example,
  longest: { readonly source: number; readonly target: number },
  signal: AbortSignal | undefined,
): Promise<EncodedExample> {
  const { text, target } = example as TextPair;
  if (typeof text !== "string" || typeof target !== "string") {
    throw new ConfigError(
      `${place} is ${JSON.stringify(example)?.slice(0, 80)}, but a sequence-to-sequence head needs { text, target }.`,
    );
  }
  const tokens = await pairTokens(config, tokenizer, text, signal);
  const targets = [...(await pairTokens(config, tokenizer, target, signal))];
  for (const [name, given, allowed] of [
    ["source", tokens.length, longest.source],
    ["target", targets.length, longest.target],
  ] as const) {
    if (given <= allowed) continue;
    const option = name === "target" ? "targetLength" : "length";
    throw new TextError(
      `${place} has a ${name} of ${given} tokens, its end included, but this run takes ${allowed}: shorten it or raise ${option}.`,
      { given, length: allowed },
    );
  }
  return { tokens, targets, weight: 1 };
}

/** The targets of a classification head. @throws {ConfigError} naming the example */
export function labelTargets(config: ReformerConfig, place: string, example: Example): number[] {
  const { labels, numLabels, problemType } = config;
  const { label } = example as LabelledText;
  const given = Array.isArray(label) ? label : [label];
  const refuse = (needed: string): never => {
    throw new ConfigError(`${place} has the label ${JSON.stringify(label)}, but needs ${needed}.`, { place });
  };
  if (problemType === "regression") {
    const numbers = given.every((x) => typeof x === "number" && Number.isFinite(x));
    return numbers && given.length === numLabels
      ? (given as number[])
      : refuse(numLabels === 1 ? "a number" : `${numLabels} numbers`);
  }
  const ids = given.map((one) => {
    const id = typeof one === "number" ? one : labels.indexOf(one as string);
    return Number.isInteger(id) && id >= 0 && id < numLabels
      ? id
      : refuse(`labels among ${labels.join(", ")}`);
  });
  if (problemType === "single-label") return ids.length === 1 ? ids : refuse("exactly one label");
  return labels.map((_, i) => Number(ids.includes(i)));
}

/** Batches of encoded examples for one head. */
export class ExampleSource implements BatchSource {
  #epoch = -1;
  #order: number[] = [];

  /** @param maskShare share of tokens that a masked language model has to find */
  constructor(
    readonly config: ReformerConfig,
    readonly examples: readonly EncodedExample[],
    readonly maskShare: number,
  ) {
    if (examples.length === 0) throw new TextError("There are no examples to train on: give at least two.");
  }

  /** The batch of a step: every pass over the examples is in another order. */
  batch(step: number, { batchSize, length }: BatchShape, seed: number): Batch {
    const first = step * batchSize;
    const rows = Array.from({ length: batchSize }, (_, row) => this.#example(first + row, seed));
    return this.#pack(rows, length, new Random(seed, MASK_STREAM, step));
  }

  /** All examples in order, a last batch possibly short. */
  *inOrder({ batchSize, length }: BatchShape, seed: number): Generator<Batch> {
    for (let first = 0; first < this.examples.length; first += batchSize) {
      const random = new Random(seed, MASK_STREAM, HELD_OUT_STEP, first);
      yield this.#pack(this.examples.slice(first, first + batchSize), length, random);
    }
  }

  #example(place: number, seed: number): EncodedExample {
    const { length } = this.examples;
    const epoch = Math.floor(place / length);
    if (epoch !== this.#epoch) {
      this.#epoch = epoch;
      this.#order = Array.from({ length }, (_, i) => i);
      new Random(seed, ORDER_STREAM, epoch).shuffle(this.#order);
    }
    return this.examples[this.#order[place % length] as number] as EncodedExample;
  }

  #pack(rows: readonly EncodedExample[], length: number, random: Random): Batch {
    const { config } = this;
    const inputs = new Uint32Array(rows.length * length).fill(fillToken(config));
    const lengths = rows.map(({ tokens }) => tokens.length);
    rows.forEach(({ tokens }, row) => {
      inputs.set(tokens, row * length);
    });
    const shape = { inputs, lengths, batchSize: rows.length, length };
    if (config.head === "masked-language-model") {
      const { targets, counted } = maskTokens(config, inputs, lengths, this.maskShare, random);
      return { ...shape, targets, counted };
    }
    if (config.head === "sequence-to-sequence") {
      const targetLengths = rows.map(({ targets }) => targets.length);
      const longest = Math.max(...targetLengths);
      const targets = new Int32Array(rows.length * longest).fill(IGNORED);
      rows.forEach((one, row) => {
        targets.set(one.targets, row * longest);
      });
      return { ...shape, targets, targetLengths, counted: targetLengths.reduce((a, b) => a + b, 0) };
    }
    const answers = config.head === "question-answering";
    const whole = answers || config.problemType === "single-label";
    const flat = rows.flatMap(({ targets }) => targets);
    return {
      ...shape,
      targets: whole ? Int32Array.from(flat) : Float32Array.from(flat),
      // Start and end are half of an answer each.
      weights: Float32Array.from(
        rows.flatMap(({ weight }) => (answers ? [weight / 2, weight / 2] : [weight])),
      ),
      counted: rows.reduce((sum, { weight }) => sum + weight, 0),
    };
  }
}

/**
 * Splits examples into those to train on and those held out: a share of them, drawn with the seed.
 * @throws {ConfigError} where nothing would be left to train on
 */
export function splitExamples<T>(
  examples: readonly T[],
  share: number,
  seed: number,
): { train: T[]; heldOut: T[] } {
  const order = Array.from(examples, (_, i) => i);
  new Random(seed, ORDER_STREAM).shuffle(order);
  const kept = Math.max(1, Math.round(examples.length * share));
  if (kept >= examples.length) {
    throw new ConfigError(
      `${examples.length} examples of which ${kept} are held out leave none to train on: give more examples, or held-out ones of their own.`,
      { field: "heldOut" },
    );
  }
  const pick = (ids: number[]) => ids.sort((a, b) => a - b).map((i) => examples[i] as T);
  return { train: pick(order.slice(kept)), heldOut: pick(order.slice(0, kept)) };
}

/** Tokens of the longest example and of the longest target, its end included; at most what the model takes. */
export async function longestExample(
  { config, tokenizer }: { readonly config: ReformerConfig; readonly tokenizer: Tokenizer },
  examples: readonly Example[],
  signal: AbortSignal | undefined,
): Promise<{ readonly length: number; readonly targetLength: number }> {
  let length = 1;
  let targetLength = 1;
  for (const example of examples) {
    const tokens =
      "question" in example
        ? (await encodeQuestion(tokenizer, example, signal)).tokens
        : await encodeText(tokenizer, example.text ?? "", { signal });
    const pair = "target" in example && typeof example.target === "string";
    length = Math.max(length, tokens.length + Number(pair));
    if (!pair) continue;
    const { length: targetTokens } = await pairTokens(config, tokenizer, example.target, signal);
    targetLength = Math.max(targetLength, targetTokens);
  }
  const most = longestLength(config);
  return { length: Math.min(length, most), targetLength: Math.min(targetLength, most) };
}
