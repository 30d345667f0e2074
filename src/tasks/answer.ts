// Answers: the parts of a context that most probably answer a question.
import { ShapeError } from "../errors.js";
import { answerScores } from "../layers/question-answering-head.js";
import type { AnswerOptions, AnswerSpan, Question } from "../types-tasks.js";
import { encodeQuestion, NO_ANSWER } from "./question.js";
import {
  checkCount,
  needHead,
  type RecordOutputs,
  read,
  readableLength,
  softmax,
  type TaskModel,
} from "./reading.js";

const DEFAULT_ANSWER_TOKENS = 200;

/**
 * The most probable spans, among them "no answer".
 * @throws {ShapeError} where question and context are longer than the model reads
 */
export async function answer(
  model: TaskModel,
  question: Question,
  { topK = 1, maxAnswerTokens = DEFAULT_ANSWER_TOKENS, signal }: AnswerOptions = {},
): Promise<AnswerSpan[]> {
  needHead(model, "question-answering", "answer()");
  const wanted = checkCount("topK", topK);
  const longest = checkCount("maxAnswerTokens", maxAnswerTokens);
  const encoded = await encodeQuestion(model.tokenizer, question, signal);
  const { tokens, contextStart, spans } = encoded;
  const readable = readableLength(model.config);
  if (tokens.length > readable) {
    throw new ShapeError(
      `question and context have ${tokens.length} tokens, but this model reads ${readable}: shorten the context.`,
      { length: tokens.length, longest: readable },
    );
  }
  const record: RecordOutputs = (context, streams, { output }) =>
    answerScores(context, streams, output("scores", [1, 2, tokens.length]));
  const scores = (await read(model, [tokens], record, { signal })).get("scores") as Float32Array;
  const starts = softmax(scores.subarray(0, tokens.length));
  const ends = softmax(scores.subarray(tokens.length));
  const best = new BestSpans(wanted);
  best.offer(NO_ANSWER, NO_ANSWER, (starts[NO_ANSWER] as number) * (ends[NO_ANSWER] as number));
  for (let first = contextStart; first < tokens.length; first++) {
    for (let last = first; last < Math.min(tokens.length, first + longest); last++) {
      best.offer(first, last, (starts[first] as number) * (ends[last] as number));
    }
  }
  return best.spans.map(({ first, last, score }) => {
    if (first < contextStart) return { text: "", score, start: 0, end: 0 };
    const start = spans[first - contextStart]?.start ?? 0;
    const end = spans[last - contextStart]?.end ?? 0;
    return { text: question.context.slice(start, end), score, start, end };
  });
}

/** The best few spans, the best first; of equals the first offered. */
class BestSpans {
  readonly spans: { first: number; last: number; score: number }[] = [];

  constructor(readonly wanted: number) {}

  offer(first: number, last: number, score: number): void {
    const { spans, wanted } = this;
    if (spans.length === wanted && score <= (spans.at(-1)?.score ?? 0)) return;
    const after = spans.findIndex((span) => span.score < score);
    spans.splice(after < 0 ? spans.length : after, 0, { first, last, score });
    if (spans.length > wanted) spans.pop();
  }
}
