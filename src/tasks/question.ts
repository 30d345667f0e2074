// How a question and its context stand in one sequence, and which part of the context a token is. Training and answering
// share it.
import { type TextSpan, tokenSpans } from "../text/alignment.js";
import { encodeText, type Tokenizer } from "../text/tokenizer.js";
import type { Question } from "../types-tasks.js";

/** Between question and context. */
const SEPARATOR = "\n";

/** The first token of the question: both ends of an answer that is not there. */
export const NO_ANSWER = 0;

export interface EncodedQuestion {
  /** Question, separator, context. */
  readonly tokens: Uint32Array;
  /** Tokens before the context. */
  readonly contextStart: number;
  /** Per token of the context, its part of it. */
  readonly spans: readonly TextSpan[];
}

/** @throws signal.reason on abort */
export async function encodeQuestion(
  tokenizer: Tokenizer,
  { question, context }: Question,
  signal?: AbortSignal,
): Promise<EncodedQuestion> {
  const asked = tokenizer.encode(question + SEPARATOR);
  const read = await encodeText(tokenizer, context, { signal });
  const tokens = new Uint32Array(asked.length + read.length);
  tokens.set(asked);
  tokens.set(read, asked.length);
  return { tokens, contextStart: asked.length, spans: tokenSpans(tokenizer, read, context) };
}

/** First and last token (of the whole sequence) of a part of the context; undefined where no token touches it. */
export function tokensOfSpan(
  { contextStart, spans }: EncodedQuestion,
  start: number,
  end: number,
): readonly [first: number, last: number] | undefined {
  const first = spans.findIndex((span) => span.end > start);
  const last = spans.findLastIndex((span) => span.start < end && span.end > span.start);
  return first < 0 || last < first ? undefined : [contextStart + first, contextStart + last];
}
