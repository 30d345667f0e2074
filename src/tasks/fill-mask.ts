// Hidden tokens of a text.
import { ConfigError, TextError } from "../errors.js";
import { finalStates, logitsOf } from "../layers/head.js";
import type { FillMaskOptions, MaskFilling } from "../types-tasks.js";
import {
  checkCount,
  largest,
  needHead,
  type RecordOutputs,
  read,
  softmax,
  type TaskModel,
} from "./reading.js";

/** Rows of final states that are computed together; any view of rows begins at a multiple of it. */
const BLOCK = 64;

/** Candidates for every mask of the text. */
export async function fillMask(
  model: TaskModel,
  text: string,
  { topK = 5, mask = "[MASK]", signal }: FillMaskOptions = {},
): Promise<MaskFilling[][]> {
  needHead(model, "masked-language-model", "fillMask()");
  const { config, tokenizer } = model;
  const { maskTokenId, vocabSize } = config;
  if (maskTokenId === null) {
    throw new ConfigError(
      "maskTokenId is null, but fillMask() needs the token that stands for a hidden one.",
      {
        field: "maskTokenId",
      },
    );
  }
  const k = checkCount("topK", topK);
  const parts = text.split(mask).map((part) => [...tokenizer.encode(part)]);
  if (parts.length < 2) {
    throw new TextError(`The text holds no ${mask}: write it where a token is to be found.`, { mask });
  }
  const masks: number[] = [];
  const tokens = Uint32Array.from(parts.flatMap((part, i) => (i === 0 ? part : [maskTokenId, ...part])));
  parts.slice(0, -1).reduce((place, part) => {
    masks.push(place + part.length);
    return place + part.length + 1;
  }, 0);
  const blocks = new Set(masks.map((place) => Math.floor(place / BLOCK)));
  const record: RecordOutputs = (context, streams, { output }) => {
    for (const block of blocks) {
      const count = Math.min(BLOCK, context.length - block * BLOCK);
      const states = finalStates(context, streams, block * BLOCK, count);
      logitsOf(context, states, count, output(`logits ${block}`, [count, vocabSize]));
    }
  };
  const results = await read(model, [tokens], record, { signal });
  return masks.map((place) => {
    const logits = results.get(`logits ${Math.floor(place / BLOCK)}`) as Float32Array;
    const row = place % BLOCK;
    const scores = softmax(logits.subarray(row * vocabSize, (row + 1) * vocabSize));
    return largest(scores, k).map((token) => ({
      token,
      text: token < tokenizer.vocabSize ? tokenizer.decode([token]) : "",
      score: scores[token] as number,
    }));
  });
}
