// How surprising each token of a text is.
import { TextError } from "../errors.js";
import { languageModelLoss } from "../layers/head.js";
import { Arena } from "../scheduler/recording.js";
import { encodeText } from "../text/tokenizer.js";
import type { ScoreOptions, TextScore } from "../types-tasks.js";
import { checkCount, needHead, type RecordOutputs, read, readableLength, type TaskModel } from "./reading.js";

/**
 * Bits of every token but the first, each predicted from those before it. A text longer than the model reads is read in
 * windows side by side; the last token of one is the first of the next.
 */
export async function score(
  model: TaskModel,
  text: string,
  { length, signal }: ScoreOptions = {},
): Promise<TextScore> {
  needHead(model, "language-model", "score()");
  const tokens = await encodeText(model.tokenizer, text, { signal });
  const window = Math.min(readableLength(model.config), checkCount("length", length ?? tokens.length));
  if (tokens.length < 2) {
    throw new TextError(
      `The text has ${tokens.length} tokens, but a prediction needs two: give a longer text.`,
    );
  }
  const surprise = new Float64Array(tokens.length - 1);
  for (let start = 0; start < surprise.length; start += window) {
    const inputs = tokens.subarray(start, Math.min(start + window, surprise.length));
    const nats = await lossesOf(model, inputs, tokens.subarray(start + 1, start + 1 + inputs.length), signal);
    surprise.set(nats.subarray(0, inputs.length), start);
  }
  const bits = surprise.map((nats) => nats / Math.LN2);
  const decoder = model.tokenizer.decoder();
  const pieces = Array.from(tokens, (token) => decoder.push(token));
  const total = bits.reduce((sum, x) => sum + x, 0);
  const bytes = new TextEncoder().encode(model.tokenizer.decode(tokens.subarray(1))).length;
  return {
    tokens: Array.from(bits, (x, i) => ({ text: pieces[i + 1] as string, bits: x })),
    bits: total,
    bitsPerByte: total / bytes,
  };
}

async function lossesOf(
  model: TaskModel,
  inputs: Uint32Array,
  next: Uint32Array,
  signal: AbortSignal | undefined,
): Promise<Float32Array> {
  const record: RecordOutputs = (context, streams, { output, input }) => {
    const { length: padded } = context;
    const targets = new Arena("targets", "state").tensor("targets", [padded], "i32");
    input(
      targets,
      Int32Array.from({ length: padded }, (_, i) => next[i] ?? -100),
    );
    languageModelLoss(context, streams, { targets, losses: output("losses", [padded]) }, 0);
  };
  return (await read(model, [inputs], record, { signal })).get("losses") as Float32Array;
}
