// Labels of texts.
import { classify as classifyHead } from "../layers/classification-head.js";
import type { ClassifyOptions, LabelScore } from "../types-tasks.js";
import { checkCount, encodeCut, largest, needHead, read, softmax, type TaskModel } from "./reading.js";

/** Texts read side by side. */
const BATCH = 8;

/** Labels and scores of every text; a text longer than the model reads is cut. */
export async function classify(
  model: TaskModel,
  texts: readonly string[],
  { topK, signal }: ClassifyOptions = {},
): Promise<LabelScore[][]> {
  needHead(model, "classification", "classify()");
  const { labels, numLabels } = model.config;
  const k = checkCount("topK", topK ?? numLabels);
  const sequences: Uint32Array[] = [];
  for (const text of texts) sequences.push(await encodeCut(model, text, signal));
  const all: LabelScore[][] = [];
  for (let first = 0; first < sequences.length; first += BATCH) {
    const part = sequences.slice(first, first + BATCH);
    const record: Parameters<typeof read>[2] = (context, streams, output) => {
      classifyHead(context, streams, output("scores", [part.length, numLabels]));
    };
    const scores = (await read(model, part, record, { signal })).get("scores") as Float32Array;
    for (let row = 0; row < part.length; row++) {
      all.push(labelScores(model, scores.subarray(row * numLabels, (row + 1) * numLabels), k));
    }
  }
  return all;

  function labelScores({ config }: TaskModel, logits: Float32Array, count: number): LabelScore[] {
    const name = (i: number, score: number) => ({ label: labels[i] as string, score });
    if (config.problemType === "regression") return Array.from(logits, (x, i) => name(i, x)).slice(0, count);
    const single = config.problemType === "single-label";
    const scores = single ? softmax(logits) : Float64Array.from(logits, (x) => 1 / (1 + Math.exp(-x)));
    return largest(scores, count).map((i) => name(i, scores[i] as number));
  }
}
