// Language model head: LayerNorm([y1 | y2]), dropout, linear to the vocabulary, cross-entropy. Logits exist only for some rows
// at a time: their gradient overwrites them and is used at once for the weights and the streams.
import { correctPredictions, crossEntropy } from "../kernels/cross-entropy.js";
import { dropoutMask } from "../kernels/stream.js";
import { type Tensor, view } from "../scheduler/recording.js";
import { dropoutAt, finalNorm, type LayerContext } from "./context.js";
import { denseGradients, linear, linearInputGradient } from "./linear.js";
import { normalizePair, normalizePairBackward } from "./norm.js";
import type { Streams } from "./reversible-block.js";
import { ranges, slice } from "./rows.js";

/** Bytes of logits held at once where the configuration leaves it open. */
const LOGIT_BYTES = 16 * 2 ** 20;

export const HEAD_WEIGHT = "lm_head.decoder.weight";
export const HEAD_BIAS = "lm_head.bias";

type HeadContext = Pick<LayerContext, "config" | "slabRows" | "chunkDivisor">;

/** Rows of logits held at once: those that the configuration says, or that fit LOGIT_BYTES, and one binding. */
export function headRows({ config, slabRows, chunkDivisor = 1 }: HeadContext): number {
  const { vocabSize, hiddenSize, headChunk } = config;
  const wanted = headChunk || Math.floor(LOGIT_BYTES / (4 * vocabSize * chunkDivisor));
  return Math.min(wanted, slabRows(vocabSize), slabRows(2 * hiddenSize));
}

/** Rows of final states held at once by heads that keep no logits of them. */
export function stateRows({ config, slabRows, chunkDivisor = 1 }: HeadContext): number {
  const width = 2 * config.hiddenSize;
  const wanted = config.headChunk || Math.floor(LOGIT_BYTES / (4 * width * chunkDivisor));
  return Math.min(wanted, slabRows(width));
}

/** Word of the status tensor for streams that no layer reads any more. */
export function finalSlot({ layers, encoderLayers }: LayerContext["config"]): number {
  return layers.length + encoderLayers.length;
}

/** Final states of rows start..start+count: dropout(LayerNorm([x1 | x2])). */
export function finalStates(context: LayerContext, streams: Streams, start: number, count: number): Tensor {
  const { recording, config } = context;
  const pair = { x1: slice(streams.x1, start, count), x2: slice(streams.x2, start, count) };
  const normed = normalizePair(context, finalNorm(config), pair, count, finalSlot(config));
  const drop = dropoutAt(context, -1, "final", config.hiddenDropout);
  if (drop.dims.dropout === 0) return normed;
  const out = recording.tensor("dropped", [count, 2 * config.hiddenSize]);
  recording.dispatch(
    dropoutMask,
    { rows: count, columns: 2 * config.hiddenSize, rowOffset: start, ...drop.dims },
    { x: normed, out, ...drop.tensors },
  );
  return out;
}

/** From the gradient of the final states of some rows to those of both streams' rows, which it writes. */
export function finalStatesBackward(
  context: LayerContext,
  streams: Streams,
  gradients: Streams,
  dStates: Tensor,
  start: number,
  count: number,
): void {
  const { recording, config } = context;
  const columns = 2 * config.hiddenSize;
  const drop = dropoutAt(context, -1, "final", config.hiddenDropout);
  let dOut = dStates;
  if (drop.dims.dropout !== 0) {
    dOut = recording.tensor("dNormed", [count, columns]);
    recording.dispatch(
      dropoutMask,
      { rows: count, columns, rowOffset: start, ...drop.dims },
      { x: dStates, out: dOut, ...drop.tensors },
    );
  }
  const rows = {
    x1: slice(streams.x1, start, count),
    x2: slice(streams.x2, start, count),
    dOut,
    dx1: slice(gradients.x1, start, count),
    dx2: slice(gradients.x2, start, count),
  };
  normalizePairBackward(context, finalNorm(config), rows, count);
}

/** Logits of `count` rows of final states, into `out` [count, vocabSize]. */
export function logitsOf(context: LayerContext, states: Tensor, count: number, out: Tensor): void {
  const { config, weight } = context;
  linear(
    context,
    { x: states, weight: weight(HEAD_WEIGHT), bias: weight(HEAD_BIAS), out },
    { m: count, n: config.vocabSize, k: 2 * config.hiddenSize },
  );
}

export interface LossTensors {
  /** i32 [batch * length]; -100 is ignored. */
  readonly targets: Tensor;
  /** f32 [batch * length], nats, 0 where ignored. */
  readonly losses: Tensor;
  /** f32 [batch * length], 1 where the most probable token is the target; left out in training. */
  readonly correct?: Tensor;
}

/**
 * Next-token loss of every row. With `gradients`, also the gradient of the mean loss (rows weighted by the control
 * buffer's loss scale): adds the head's parameter gradients and writes those of the two streams.
 */
export function languageModelLoss(
  context: LayerContext,
  streams: Streams,
  { targets, losses, correct }: LossTensors,
  labelSmoothing: number,
  gradients?: Streams,
): void {
  const { recording, config, control } = context;
  const { hiddenSize, vocabSize: vocab } = config;
  const all = gradients ? [streams.x1, streams.x2, gradients.x1, gradients.x2] : [streams.x1, streams.x2];
  for (const { start, count } of ranges(all, headRows(context))) {
    const states = finalStates(context, streams, start, count);
    const logits = recording.tensor("logits", [count, vocab]);
    logitsOf(context, states, count, logits);
    const rows = (tensor: Tensor) => view(tensor, start, [count]);
    if (correct) {
      const predicted = { scores: logits, targets: rows(targets), correct: rows(correct) };
      recording.dispatch(correctPredictions, { rows: count, vocab }, predicted);
    }
    recording.dispatch(
      crossEntropy,
      { rows: count, vocab, labelSmoothing, gradient: gradients !== undefined },
      { logits, targets: rows(targets), losses: rows(losses), control },
    );
    if (gradients) headBackward(context, streams, gradients, states, logits, start, count);
  }

  function headBackward(
    { weight, gradient }: LayerContext,
    x: Streams,
    dx: Streams,
    states: Tensor,
    dLogits: Tensor,
    start: number,
    count: number,
  ): void {
    denseGradients(
      context,
      { dOut: dLogits, x: states, dWeight: gradient(HEAD_WEIGHT), dBias: gradient(HEAD_BIAS) },
      { m: vocab, n: 2 * hiddenSize, k: count },
    );
    const dStates = recording.tensor("dStates", [count, 2 * hiddenSize]);
    linearInputGradient(
      context,
      { dOut: dLogits, weight: weight(HEAD_WEIGHT), dx: dStates },
      { m: count, n: 2 * hiddenSize, k: vocab },
    );
    finalStatesBackward(context, x, dx, dStates, start, count);
  }
}
