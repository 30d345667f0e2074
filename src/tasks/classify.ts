// Labels of texts.
import { paddedLength } from "../config/config.js";
import { classify as classifyHead } from "../layers/classification-head.js";
import type { ClassifyOptions, LabelScore } from "../types-tasks.js";
import {
  checkCount,
  encodeCut,
  largest,
  needHead,
  type RecordOutputs,
  read,
  softmax,
  type TaskModel,
} from "./reading.js";

/** Texts read side by side. */
const BATCH = 8;

/**
 * Places of texts that are read side by side, by their padded lengths: where the first chunk looks round to the last one,
 * more padding than a text needs would change what it sees.
 */
function batches(lengths: readonly number[]): number[][] {
  const open = new Map<number, number[]>();
  const all: number[][] = [];
  for (const [place, length] of lengths.entries()) {
    const batch = open.get(length);
    if (batch && batch.length < BATCH) batch.push(place);
    else {
      const started = [place];
      open.set(length, started);
      all.push(started);
    }
  }
  return all;
}

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
  for (const places of batches(sequences.map(({ length }) => paddedLength(model.config, length)))) {
    const part = places.map((place) => sequences[place] as Uint32Array);
    const record: RecordOutputs = (context, streams, { output }) => {
      classifyHead(context, streams, output("scores", [part.length, numLabels]));
    };
    const scores = (await read(model, part, record, { signal })).get("scores") as Float32Array;
    for (const [row, place] of places.entries()) {
      all[place] = labelScores(model, scores.subarray(row * numLabels, (row + 1) * numLabels), k);
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
