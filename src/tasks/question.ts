// How a question and its context stand in one sequence, and which part of the context a token is. Training and answering
// share it.
import type { Tokenizer } from "../text/tokenizer.js";
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
  /** Per token of the context, its part of it in UTF-16 units; a token of half a character counts as all of it. */
  readonly spans: readonly { readonly start: number; readonly end: number }[];
}

export function encodeQuestion(tokenizer: Tokenizer, { question, context }: Question): EncodedQuestion {
  const asked = tokenizer.encode(question + SEPARATOR);
  const read = tokenizer.encode(context);
  const tokens = new Uint32Array(asked.length + read.length);
  tokens.set(asked);
  tokens.set(read, asked.length);
  return { tokens, contextStart: asked.length, spans: tokenSpans(tokenizer, read, context.length) };
}

function tokenSpans(
  tokenizer: Tokenizer,
  tokens: Uint32Array,
  length: number,
): { start: number; end: number }[] {
  const decoder = tokenizer.decoder();
  const spans: { start: number; end: number }[] = [];
  let decoded = 0; // UTF-16 units of all complete characters
  let open = 0; // tokens whose character is not complete
  const close = (text: string) => {
    if (text.length === 0) return;
    decoded = Math.min(length, decoded + text.length);
    for (; open > 0; open--) (spans[spans.length - open] as { end: number }).end = decoded;
  };
  for (const token of tokens) {
    spans.push({ start: decoded, end: decoded });
    open++;
    close(decoder.push(token));
  }
  close(decoder.end());
  return spans;
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
