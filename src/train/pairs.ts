// A batch of sources and targets as what a sequence-to-sequence model reads.

import { fillToken, type ReformerConfig, startToken } from "../config/config.js";
import { ShapeError } from "../errors.js";
import type { Inputs } from "../model/memory.js";
import type { PairTensors } from "../model/sequence-to-sequence.js";
import type { PreparedPlan } from "../scheduler/run.js";
import type { Batch } from "../text/dataset.js";

/** Where a batch of pairs is written. */
interface PairWindows {
  readonly config: ReformerConfig;
  readonly batchSize: number;
  /** Tokens of source and target joined, padding included. */
  readonly paddedLength: number;
  readonly inputs: Inputs;
}

/** Target of a place that predicts nothing. */
const IGNORED = -100;

/**
 * Writes sources, the inputs of the targets, what they predict, and both masks. Rows missing from a short batch are one
 * token each of source and target, and predict nothing.
 * @throws {ShapeError} where a source or target is longer than the plan's
 */
export function writePairs(
  prepared: PreparedPlan,
  { config, batchSize, paddedLength: joined, inputs }: PairWindows,
  pair: PairTensors,
  { inputs: sources, lengths, targets, targetLengths, batchSize: rows, length }: Batch,
): void {
  const { sourceLength, targetLength } = pair;
  const perRow = targets.length / rows;
  const counts = { source: new Uint32Array(batchSize).fill(1), target: new Uint32Array(batchSize).fill(1) };
  const sourceTokens = new Uint32Array(batchSize * sourceLength).fill(fillToken(config));
  const targetTokens = new Uint32Array(batchSize * targetLength).fill(fillToken(config));
  const predicted = new Int32Array(batchSize * joined).fill(IGNORED);
  for (let row = 0; row < rows; row++) {
    const source = lengths?.[row] ?? length;
    const target = targetLengths?.[row] ?? perRow;
    if (source > sourceLength || target > targetLength) {
      throw new ShapeError(
        `a source of ${source} and a target of ${target} tokens were given to a plan for ${sourceLength} and ${targetLength}: raise length and targetLength.`,
        { source, target, sourceLength, targetLength },
      );
    }
    counts.source[row] = source;
    counts.target[row] = target;
    sourceTokens.set(sources.subarray(row * length, row * length + source), row * sourceLength);
    const tokens = targets.subarray(row * perRow, row * perRow + target);
    predicted.set(tokens, row * joined + source);
    targetTokens[row * targetLength] = startToken(config);
    targetTokens.set(tokens.subarray(0, target - 1), row * targetLength + 1);
  }
  const sourceMask = new Uint32Array(batchSize * sourceLength);
  const mask = new Uint32Array(batchSize * joined);
  counts.source.forEach((source, row) => {
    sourceMask.fill(1, row * sourceLength, row * sourceLength + source);
    mask.fill(1, row * joined, row * joined + source + (counts.target[row] ?? 0));
  });
  prepared.write(pair.sources, counts.source);
  prepared.write(pair.sourceTokens, sourceTokens);
  prepared.write(pair.targetTokens, targetTokens);
  prepared.write(inputs.targets, predicted);
  if (pair.sourceMask) prepared.write(pair.sourceMask, sourceMask);
  if (inputs.keyMask) prepared.write(inputs.keyMask, mask);
}
