// Classification head: the final states of the first token, or their mean over all tokens; dropout, dense 2E -> E, tanh,
// dropout, linear to the labels.
import type { ReformerConfig } from "../config/config.js";
import { activation, activationBackward } from "../kernels/activation.js";
import { crossEntropy } from "../kernels/cross-entropy.js";
import { labelLoss, weighRows } from "../kernels/label-loss.js";
import { putRowStarts, type RowStartsDims, takeRowStarts } from "../kernels/row-starts.js";
import { dropoutMask } from "../kernels/stream.js";
import { tokenMean, tokenMeanBackward, tokenShares } from "../kernels/token-mean.js";
import { type Tensor, view } from "../scheduler/recording.js";
import { elements } from "../shapes.js";
import { type DropoutPlace, dropoutAt, type LayerContext } from "./context.js";
import { finalStates, finalStatesBackward, stateRows } from "./head.js";
import { denseGradients, linear, linearInputGradient } from "./linear.js";
import type { Streams } from "./reversible-block.js";
import { type Rows, ranges } from "./rows.js";

/**
 * Names of the classifier's two linear maps. A mean has names of its own: a reader that knows only first tokens then
 * misses the weights, instead of answering wrongly with them.
 */
export function classifierNames({ classifierPooling }: Pick<ReformerConfig, "classifierPooling">) {
  const prefix = classifierPooling === "mean" ? "mean_classifier" : "classifier";
  return { dense: `${prefix}.dense`, output: `${prefix}.out_proj` };
}

/** What the classifier reads of the streams. */
interface Pooled {
  /** f32 [batch, 2E]. */
  readonly states: Tensor;
  /** Writes the gradients of both streams. */
  readonly backward: (dStates: Tensor, gradients: Streams) => void;
}

/** What the backward pass needs of the forward one. */
interface Classified {
  readonly pooled: Pooled;
  /** f32 [batch, 2E], after dropout. */
  readonly states: Tensor;
  /** f32 [batch, E], before tanh. */
  readonly hidden: Tensor;
  /** f32 [batch, E], after tanh and dropout. */
  readonly inner: Tensor;
}

/** Logits [batch, numLabels] of every sequence, into `scores`. */
export function classify(context: LayerContext, streams: Streams, scores: Tensor): Classified {
  const { recording, config, weight, batch } = context;
  const { hiddenSize: E, numLabels } = config;
  const names = classifierNames(config);
  const pooled = (config.classifierPooling === "mean" ? meanStates : firstStates)(context, streams);
  const states = drop(context, "classifier.input", pooled.states, 2 * E);
  const hidden = recording.tensor("hidden", [batch, E]);
  dense(context, names.dense, states, hidden, E, 2 * E);
  const activated = recording.tensor("activated", [batch, E]);
  const plain = { rowOffset: 0, dropout: 0, dropoutRate: 0, site: 0 } as const;
  const dims = { rows: batch, columns: E, kind: "tanh", ...plain } as const;
  recording.dispatch(activation, dims, { x: hidden, out: activated });
  const inner = drop(context, "classifier.inner", activated, E);
  dense(context, names.output, inner, scores, numLabels, E);
  return { pooled, states, hidden, inner };

  function dense(
    { batch: m }: LayerContext,
    name: string,
    x: Tensor,
    out: Tensor,
    n: number,
    k: number,
  ): void {
    linear(context, { x, weight: weight(`${name}.weight`), bias: weight(`${name}.bias`), out }, { m, n, k });
  }
}

export interface ClassificationTensors {
  /** i32 [batch], a label's number or -100 for none; f32 [batch, numLabels] unless the problem is single-label. */
  readonly targets: Tensor;
  /** f32 [batch], what each sequence counts; 0 leaves it out. */
  readonly weights: Tensor;
  /** f32 [batch], weighted; nats or squares. */
  readonly losses: Tensor;
  /** f32 [batch, numLabels]: logits; their gradient where there are `gradients`. */
  readonly scores: Tensor;
}

/**
 * Weighted loss of every sequence. With `gradients`, also that of Σ losses · the control's loss scale: adds the head's
 * parameter gradients and writes those of the two streams.
 */
export function classificationLoss(
  context: LayerContext,
  streams: Streams,
  { targets, weights, losses, scores }: ClassificationTensors,
  labelSmoothing: number,
  gradients?: Streams,
): void {
  const { recording, config, control, batch: rows } = context;
  const { numLabels, problemType } = config;
  const made = classify(context, streams, scores);
  const gradient = gradients !== undefined;
  if (problemType === "single-label") {
    const dims = { rows, vocab: numLabels, labelSmoothing, gradient };
    recording.dispatch(crossEntropy, dims, { logits: scores, targets, losses, control });
  } else {
    const dims = { rows, columns: numLabels, kind: problemType, gradient };
    recording.dispatch(labelLoss, dims, { logits: scores, targets, losses, control });
  }
  recording.dispatch(weighRows, { rows, columns: 1 }, { values: losses, weights });
  if (!gradients) return;
  recording.dispatch(weighRows, { rows, columns: numLabels }, { values: scores, weights });
  classifyBackward(context, made, scores, gradients);
}

function classifyBackward(
  context: LayerContext,
  { pooled, states, hidden, inner }: Classified,
  dScores: Tensor,
  gradients: Streams,
): void {
  const { recording, config, batch } = context;
  const { hiddenSize: E, numLabels } = config;
  const names = classifierNames(config);
  const dInner = denseBackward(names.output, inner, dScores, numLabels, E);
  const dActivated = drop(context, "classifier.inner", dInner, E);
  const dHidden = recording.tensor("dHidden", [batch, E]);
  const plain = { rowOffset: 0, dropout: 0, dropoutRate: 0, site: 0 } as const;
  const dims = { rows: batch, columns: E, kind: "tanh", ...plain } as const;
  recording.dispatch(activationBackward, dims, { x: hidden, dOut: dActivated, dx: dHidden });
  const dStates = denseBackward(names.dense, states, dHidden, E, 2 * E);
  pooled.backward(drop(context, "classifier.input", dStates, 2 * E), gradients);

  /** Adds the gradients of weight and bias; gives that of x [batch, k]. */
  function denseBackward(name: string, x: Tensor, dOut: Tensor, n: number, k: number): Tensor {
    const { weight, gradient } = context;
    const own = { dWeight: gradient(`${name}.weight`), dBias: gradient(`${name}.bias`) };
    denseGradients(context, { dOut, x, ...own }, { m: n, n: k, k: batch });
    const dx = recording.tensor("dx", [batch, k]);
    linearInputGradient(context, { dOut, weight: weight(`${name}.weight`), dx }, { m: batch, n: k, k: n });
    return dx;
  }
}

/** The final states of every sequence's first token. */
function firstStates(context: LayerContext, streams: Streams): Pooled {
  const { batch } = context;
  const pair = { x1: firstTokens(context, streams.x1), x2: firstTokens(context, streams.x2) };
  return {
    states: finalStates(context, pair, 0, batch),
    backward(dStates, gradients) {
      const dPair = { x1: newRows(context, "dx1"), x2: newRows(context, "dx2") };
      finalStatesBackward(context, pair, dPair, dStates, 0, batch);
      putFirstTokens(context, dPair.x1, gradients.x1);
      putFirstTokens(context, dPair.x2, gradients.x2);
    },
  };
}

/** The mean of the final states over every sequence's real tokens. */
function meanStates(context: LayerContext, streams: Streams): Pooled {
  const { recording, config, batch, length, keyMask: mask } = context;
  const columns = 2 * config.hiddenSize;
  const shares = recording.tensor("token shares", [batch, length]);
  const tokens = { batch, length, rows: batch * length, rowOffset: 0, masked: mask !== undefined };
  recording.dispatch(tokenShares, tokens, { mask, out: shares });
  const means = recording.tensor("mean states", [batch, columns]);
  for (const { start, count } of ranges([streams.x1, streams.x2], stateRows(context))) {
    const dims = { batch, length, columns, rows: count, rowOffset: start, add: start > 0 };
    recording.dispatch(tokenMean, dims, { shares, x: finalStates(context, streams, start, count), means });
  }
  return {
    states: means,
    backward(dMeans, gradients) {
      const all = [streams.x1, streams.x2, gradients.x1, gradients.x2];
      for (const { start, count } of ranges(all, stateRows(context))) {
        const dx = recording.tensor("dStates", [count, columns]);
        const dims = { batch, length, columns, rows: count, rowOffset: start };
        recording.dispatch(tokenMeanBackward, dims, { shares, dMeans, dx });
        finalStatesBackward(context, streams, gradients, dx, start, count);
      }
    },
  };
}

/** dropout(x) of x[batch, columns], of values or of their gradients. */
function drop(context: LayerContext, place: DropoutPlace, x: Tensor, columns: number): Tensor {
  const { recording, config, batch } = context;
  const { dims, tensors } = dropoutAt(context, -1, place, config.classifierDropout ?? config.hiddenDropout);
  if (dims.dropout === 0) return x;
  const out = recording.tensor("dropped", [batch, columns]);
  recording.dispatch(dropoutMask, { rows: batch, columns, rowOffset: 0, ...dims }, { x, out, ...tensors });
  return out;
}

/** A matrix [batch, E] in one slab, of a stream's words or f32. */
function rowsOf({ batch, config }: LayerContext, slab: Tensor): Rows {
  return { count: batch, width: config.hiddenSize, slabRows: batch, slabs: [slab] };
}

function newRows(context: LayerContext, label: string): Rows {
  const { recording, batch, config } = context;
  return rowsOf(context, recording.tensor(label, [batch, config.hiddenSize]));
}

/** Sizes of a stream's slabs, seen as one row of length · E elements per sequence. */
function* slabsOf({ batch, length, config }: LayerContext, stream: Rows): Generator<[Tensor, RowStartsDims]> {
  const { hiddenSize: count } = config;
  for (const [i, slab] of stream.slabs.entries()) {
    const offset = i * stream.slabRows * stream.width;
    yield [slab, { rows: batch, columns: length * count, count, offset, size: elements(slab.shape) }];
  }
}

function firstTokens(context: LayerContext, stream: Rows): Rows {
  const { recording, batch, config } = context;
  const type = stream.slabs[0]?.type ?? "i32";
  const shape = [batch, config.hiddenSize];
  const starts = recording.tensor("first tokens", shape, "i32");
  for (const [slab, dims] of slabsOf(context, stream)) {
    recording.dispatch(takeRowStarts, dims, { x: view(slab, 0, slab.shape, { type: "i32" }), starts });
  }
  return rowsOf(context, view(starts, 0, shape, { type }));
}

function putFirstTokens(context: LayerContext, from: Rows, stream: Rows): void {
  for (const [slab, dims] of slabsOf(context, stream)) {
    context.recording.dispatch(putRowStarts, dims, { dStarts: from.slabs[0], dx: slab });
  }
}
