// Feed-forward block: W2 · act(dropout(W1 · LayerNorm(y) + b1)) + b2, dropout at the end, evaluated some rows at a time.
// The forward and the recomputation run the same pipelines on the same rows, so they agree to the bit. Dropout, activation
// and their gradient are part of the products.
import { dropoutMask } from "../kernels/stream.js";
import type { Tensor } from "../scheduler/recording.js";
import { ceilDiv, roundUp } from "../shapes.js";
import { dropoutAt, type LayerContext, layerName } from "./context.js";
import { gradientSums } from "./gradient-sums.js";
import { denseGradients, denseParts, linear, linearInputGradient, linearResidual } from "./linear.js";
import { normalize, normalizeBackward, normParts } from "./norm.js";
import { ROW_STEP, type Rows, ranges, slice } from "./rows.js";

/** Rows evaluated at once, at most, where the configuration leaves it open: keeps the inner activation small. */
const MOST_ROWS = 4096;
/** So many rows and more are evaluated in two parts at least, so that a row takes no more memory here than in attention. */
const HALVED_ROWS = 2048;

interface Inner {
  readonly start: number;
  readonly count: number;
  readonly normed: Tensor;
  readonly activated: Tensor;
  /** Before dropout and activation; with ReLU what was activated, which has the same derivative. */
  readonly before: Tensor;
}

/** What a stored (non-reversible) forward keeps for its backward pass. */
export interface StoredFeedForward {
  readonly inner: readonly Inner[];
}

const NAME = ({ config }: LayerContext, layer: number) => `${layerName(config, layer)}.feed_forward`;

function chunks(context: LayerContext, ...matrices: readonly Rows[]): { start: number; count: number }[] {
  const { config, slabRows, chunkDivisor = 1 } = context;
  const count = Math.min(...matrices.map((matrix) => matrix.count));
  const parts = count < HALVED_ROWS ? 1 : Math.max(2, ceilDiv(count, MOST_ROWS));
  const wanted = config.feedForwardChunk || roundUp(ceilDiv(count, parts), ROW_STEP) / chunkDivisor;
  const rows = Math.min(wanted, slabRows(config.feedForwardSize));
  return [...ranges(matrices, rows)];
}

/** Everything up to the activation, for rows start..start+count of y. */
function inner(context: LayerContext, layer: number, y: Rows, start: number, count: number): Inner {
  const { recording, config, weight } = context;
  const { hiddenSize: size, feedForwardSize: wide } = config;
  const name = NAME(context, layer);
  const normed = normalize(context, `${name}.layer_norm`, slice(y, start, count), count, layer);
  const drop = dropoutAt(context, layer, "feedForward.inner", config.hiddenDropout);
  const activated = recording.tensor("activated", [count, wide]);
  const hidden = config.activation === "relu" ? undefined : recording.tensor("hidden", [count, wide]);
  linear(
    context,
    {
      x: normed,
      weight: weight(`${name}.dense.dense.weight`),
      bias: weight(`${name}.dense.dense.bias`),
      out: activated,
      kept: hidden,
      ...drop.tensors,
    },
    { m: count, n: wide, k: size, activation: config.activation, rowOffset: start, ...drop.dims },
  );
  return { start, count, normed, activated, before: hidden ?? activated };
}

/** Adds (or takes away) the block's output of rows of y to `stream`. */
function addOutput(
  context: LayerContext,
  layer: number,
  { start, count, activated }: Inner,
  stream: Rows,
  store: "residualAdd" | "residualSub",
): void {
  const { config, weight } = context;
  const name = NAME(context, layer);
  const drop = dropoutAt(context, layer, "feedForward.output", config.hiddenDropout);
  linearResidual(
    context,
    {
      x: activated,
      weight: weight(`${name}.output.dense.weight`),
      bias: weight(`${name}.output.dense.bias`),
      stream: slice(stream, start, count),
      ...drop.tensors,
    },
    { m: count, n: config.hiddenSize, k: config.feedForwardSize, store, rowOffset: start, ...drop.dims },
  );
}

/** x2 += feedForward(y1). */
export function feedForward(context: LayerContext, layer: number, y1: Rows, x2: Rows): StoredFeedForward {
  const all = chunks(context, y1, x2).map(({ start, count }) => {
    const part = inner(context, layer, y1, start, count);
    addOutput(context, layer, part, x2, "residualAdd");
    return part;
  });
  return { inner: all };
}

/**
 * Backward from (y1, y2, dy1, dy2): adds the block's parameter gradients and its part of dy1.
 * Without `stored`, recomputes the block and turns y2 back into x2.
 */
export function feedForwardBackward(
  context: LayerContext,
  layer: number,
  streams: { readonly y1: Rows; readonly y2: Rows; readonly dy1: Rows; readonly dy2: Rows },
  stored?: StoredFeedForward,
): void {
  const { y1, y2, dy1, dy2 } = streams;
  const parts = stored?.inner ?? chunks(context, y1, y2, dy1, dy2);
  for (const part of parts) {
    const { start, count } = part;
    const recomputed = "activated" in part ? part : inner(context, layer, y1, start, count);
    if (!stored) addOutput(context, layer, recomputed, y2, "residualSub");
    backwardOfRows(
      context,
      layer,
      recomputed,
      slice(y1, start, count),
      slice(dy1, start, count),
      slice(dy2, start, count),
    );
  }
}

function backwardOfRows(
  context: LayerContext,
  layer: number,
  { start, count, normed, activated, before }: Inner,
  y1: Tensor,
  dy1: Tensor,
  dy2: Tensor,
): void {
  const { recording, config, weight, gradient } = context;
  const { hiddenSize: size, feedForwardSize: wide } = config;
  const name = NAME(context, layer);
  const denseOf = (dense: string) => ({
    dWeight: gradient(`${dense}.weight`),
    dBias: gradient(`${dense}.bias`),
  });
  const outer = dropoutAt(context, layer, "feedForward.output", config.hiddenDropout);
  let dOut = dy2;
  if (outer.dims.dropout !== 0) {
    dOut = recording.tensor("dOut", [count, size]);
    recording.dispatch(
      dropoutMask,
      { rows: count, columns: size, rowOffset: start, ...outer.dims },
      { x: dy2, out: dOut, ...outer.tensors },
    );
  }
  denseGradients(
    context,
    { dOut, x: activated, ...denseOf(`${name}.output.dense`) },
    { m: size, n: wide, k: count },
  );
  const within = dropoutAt(context, layer, "feedForward.inner", config.hiddenDropout);
  const dHidden = recording.tensor("dHidden", [count, wide]);
  linearInputGradient(
    context,
    { dOut, weight: weight(`${name}.output.dense.weight`), before, dx: dHidden, ...within.tensors },
    {
      ...{ m: count, n: wide, k: size, activation: config.activation, gradient: true, rowOffset: start },
      ...within.dims,
    },
  );

  const sizes = { m: wide, n: size, k: count };
  const first = denseOf(`${name}.dense.dense`);
  const sums = gradientSums(recording, [
    ...normParts(context, `${name}.layer_norm`, count),
    ...denseParts(first, sizes),
  ]);
  denseGradients(context, { dOut: dHidden, x: normed, ...first }, sizes, sums);
  const dNormed = recording.tensor("dNormed", [count, size]);
  linearInputGradient(
    context,
    { dOut: dHidden, weight: weight(`${name}.dense.dense.weight`), dx: dNormed },
    { m: count, n: size, k: wide },
  );
  normalizeBackward(context, `${name}.layer_norm`, { x: y1, dOut: dNormed, dx: dy1 }, count, sums);
  sums.add();
}
