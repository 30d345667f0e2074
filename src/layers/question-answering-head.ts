// Question-answering head: two logits for every position, and one softmax over the positions for each of them: where an
// answer starts, and where it ends.
import { crossEntropy } from "../kernels/cross-entropy.js";
import { weighRows } from "../kernels/label-loss.js";
import { putRowStarts, takeRowStarts } from "../kernels/row-starts.js";
import { type Tensor, view } from "../scheduler/recording.js";
import type { LayerContext } from "./context.js";
import { finalStates, finalStatesBackward, stateRows } from "./head.js";
import { linear, linearInputGradient, linearWeightGradient } from "./linear.js";
import type { Streams } from "./reversible-block.js";
import { ranges } from "./rows.js";

export const ANSWER_OUTPUT = "qa_outputs";

/** Logits are stored as two heads of one number each: [batch, 2, length], so that a softmax reads neighbours. */
const ENDS = { heads: 2, headSize: 1 } as const;

export interface AnswerTensors {
  /** i32 [batch, 2]: positions of start and end; -100 is ignored. */
  readonly targets: Tensor;
  /** f32 [batch, 2], what each of them counts. */
  readonly weights: Tensor;
  /** f32 [batch, 2], nats, weighted. */
  readonly losses: Tensor;
  /** f32 [batch, 2, positions]: logits; their gradient where there are `gradients`. Later positions are no candidates. */
  readonly scores: Tensor;
}

/** Logits of start and end of every sequence at its first `scores` positions. */
export function answerScores(context: LayerContext, streams: Streams, scores: Tensor): void {
  const { recording, config, weight, batch, length } = context;
  const positions = positionsOf(context, scores);
  const whole = positions === length;
  const all = whole ? scores : recording.tensor("logits", [batch, 2, length]);
  for (const { start, count } of ranges([streams.x1, streams.x2], stateRows(context))) {
    linear(
      context,
      {
        x: finalStates(context, streams, start, count),
        weight: weight(`${ANSWER_OUTPUT}.weight`),
        bias: weight(`${ANSWER_OUTPUT}.bias`),
        out: all,
      },
      { m: count, n: 2, k: 2 * config.hiddenSize, cHeads: true, rowOffset: start, ...ENDS },
    );
  }
  if (whole) return;
  const words = (tensor: Tensor) => view(tensor, 0, tensor.shape, { type: "i32" });
  recording.dispatch(takeRowStarts, startsDims(context, positions), { x: words(all), starts: words(scores) });
}

/**
 * Weighted loss of every start and end. With `gradients`, also that of Σ losses · the control's loss scale: adds the
 * head's parameter gradients and writes those of the two streams. The gradient of the bias is zero: it moves all
 * positions alike, which a softmax over positions does not see.
 */
export function answerLoss(
  context: LayerContext,
  streams: Streams,
  { targets, weights, losses, scores }: AnswerTensors,
  labelSmoothing: number,
  gradients?: Streams,
): void {
  const { recording, control, batch } = context;
  const rows = 2 * batch;
  const positions = positionsOf(context, scores);
  answerScores(context, streams, scores);
  recording.dispatch(
    crossEntropy,
    { rows, vocab: positions, labelSmoothing, gradient: gradients !== undefined },
    { logits: scores, targets, losses, control },
  );
  recording.dispatch(weighRows, { rows, columns: 1 }, { values: losses, weights });
  if (!gradients) return;
  recording.dispatch(weighRows, { rows, columns: positions }, { values: scores, weights });
  answerBackward(context, streams, scores, gradients);
}

function answerBackward(context: LayerContext, streams: Streams, dScores: Tensor, gradients: Streams): void {
  const { recording, config, weight, gradient, batch, length } = context;
  const width = 2 * config.hiddenSize;
  const positions = positionsOf(context, dScores);
  let dOut = dScores;
  if (positions !== length) {
    dOut = recording.tensor("dLogits", [batch, 2, length]);
    recording.dispatch(putRowStarts, startsDims(context, positions), { dStarts: dScores, dx: dOut });
  }
  const all = [streams.x1, streams.x2, gradients.x1, gradients.x2];
  for (const { start, count } of ranges(all, stateRows(context))) {
    const layout = { aHeads: true, rowOffset: start, ...ENDS };
    const states = finalStates(context, streams, start, count);
    linearWeightGradient(
      context,
      { dOut, x: states, dWeight: gradient(`${ANSWER_OUTPUT}.weight`) },
      { m: 2, n: width, k: count, ...layout },
    );
    const dStates = recording.tensor("dStates", [count, width]);
    linearInputGradient(
      context,
      { dOut, weight: weight(`${ANSWER_OUTPUT}.weight`), dx: dStates },
      { m: count, n: width, k: 2, ...layout },
    );
    finalStatesBackward(context, streams, gradients, dStates, start, count);
  }
}

function positionsOf({ batch }: LayerContext, scores: Tensor): number {
  return scores.byteLength / 4 / (2 * batch);
}

function startsDims({ batch, length }: LayerContext, positions: number) {
  const size = 2 * batch * length;
  return { rows: 2 * batch, columns: length, count: positions, offset: 0, size };
}
