// Attention block: Wo · SelfAttention(LayerNorm(x)), for LSH, local and full layers. Heads are kept as
// [batch, heads, length, headSize]; the matrix products read and write that layout themselves. In the context of a group
// of heads (head-groups.ts) everything here is that group's part: the block's output and the gradient of its input are
// the sums of the groups' parts.
import { type LayerKind, runsFullAttention } from "../config/config.js";
import type { Storage } from "../gpu/kernel.js";
import type { MatmulDims } from "../kernels/matmul.js";
import { dropoutMask } from "../kernels/stream.js";
import { ALIGNMENT, areNeighbours, spanOf, storedTensor, type Tensor, view } from "../scheduler/recording.js";
import { type Attended, type AttentionHeads, attendHeads, attendHeadsBackward } from "./attention-heads.js";
import { dropoutAt, type LayerContext, layerName } from "./context.js";
import { gradientSums } from "./gradient-sums.js";
import { linear, linearInputGradient, linearResidual, linearWeightGradient, weightParts } from "./linear.js";
import { normalize, normalizeBackward, normParts } from "./norm.js";
import { type Rows, ranges, slice } from "./rows.js";

const NAME = ({ config }: LayerContext, layer: number) => `${layerName(config, layer)}.attention`;

/** Rows that a group of heads normalises and projects at a time: it keeps none of them, as the next one needs them too. */
const GROUPED_ROWS = 16_384;

/** What the forward pass computed and the backward pass needs. */
export interface AttentionState {
  /** Unless the heads are a group: then it is computed again. */
  readonly normed: Rows | undefined;
  readonly heads: AttentionHeads;
  readonly attended: Attended;
}

/** Projections of a layer, in the order of their gradients: LSH layers share query and key. */
export function projections(kind: LayerKind): readonly ("query_key" | "query" | "key" | "value")[] {
  return kind === "lsh" ? ["query_key", "value"] : ["query", "key", "value"];
}

/** How normalised rows, queries, keys and values are stored. */
const storageIn = ({ halves = false }: LayerContext): Storage => (halves ? "half" : "f32");

/** Rows at a time, whatever a binding holds. */
function rowStep({ headsOf, chunkDivisor = 1 }: LayerContext): number {
  return headsOf ? GROUPED_ROWS / chunkDivisor : Number.POSITIVE_INFINITY;
}

/** The heads' rows of a projection's weight [heads · headSize, hiddenSize], or of its gradient. */
function headRows({ config, headsOf }: LayerContext, weight: Tensor): Tensor {
  const { numHeads, headSize, hiddenSize } = config;
  if (!headsOf) return weight;
  return view(weight, headsOf.first * headSize * hiddenSize, [numHeads * headSize, hiddenSize]);
}

/** The heads' columns of the output's weight [hiddenSize, heads · headSize], which operand `of` a product holds. */
function headColumns({ config: { headSize }, headsOf }: LayerContext, of: "b" | "c"): Partial<MatmulDims> {
  if (!headsOf) return {};
  return { columnsOf: of, width: headsOf.all * headSize, firstColumn: headsOf.first * headSize };
}

/** Normalises and projects. */
export function projectHeads(
  context: LayerContext,
  layer: number,
  kind: LayerKind,
  x: Rows,
): Pick<AttentionState, "normed" | "heads"> {
  const { recording, config, batch, length, weight } = context;
  const { numHeads, headSize, hiddenSize } = config;
  const storage = storageIn(context);
  const projected = projections(kind).map((projection) => ({
    weight: headRows(context, weight(`${NAME(context, layer)}.self_attention.${projection}.weight`)),
    out: storedTensor(recording, projection, [batch, numHeads, length, headSize], storage),
  }));
  const products = pairFirst(projected);
  let normed: Rows | undefined;
  if (context.headsOf) {
    for (const { start, count } of ranges([x], rowStep(context))) {
      const rows = normalizeRows(context, layer, x, start, count);
      for (const product of products) project(context, rows, product, start, count);
    }
  } else {
    const slabs = [...ranges([x])].map(({ start, count }) => normalizeRows(context, layer, x, start, count));
    const width = storage === "half" ? hiddenSize / 2 : hiddenSize; // in words
    const slabRows = context.slabRows(hiddenSize);
    normed = { count: batch * length, width, slabRows, slabs };
    for (const product of products) {
      for (const { start, count } of ranges([normed]))
        project(context, slice(normed, start, count), product, start, count);
    }
  }
  const heads: AttentionHeads = {
    query: projected[0]?.out as Tensor,
    key: kind === "lsh" ? undefined : projected[1]?.out,
    value: projected.at(-1)?.out as Tensor,
  };
  return { normed, heads };
}

function normalizeRows(context: LayerContext, layer: number, x: Rows, start: number, count: number): Tensor {
  const name = `${NAME(context, layer)}.layer_norm`;
  return normalize(context, name, slice(x, start, count), count, layer, storageIn(context));
}

/** A matrix product that projects rows into the heads of one projection, or of two, whose weights lie end to end. */
interface Projecting {
  readonly weight: Tensor;
  readonly out: Tensor;
  readonly second?: Tensor;
}

/** One product of the first two projections where their weights lie end to end: those of a group of heads do not. */
function pairFirst([first, next, ...rest]: readonly Projecting[]): readonly Projecting[] {
  if (!first || !next) throw new Error("internal: one projection");
  const endToEnd = areNeighbours(first.weight, next.weight) && first.weight.byteLength % ALIGNMENT === 0;
  if (!endToEnd) return [first, next, ...rest];
  return [{ weight: spanOf(first.weight, next.weight), out: first.out, second: next.out }, ...rest];
}

/** A product of normalised rows from `start` on. */
function project(
  context: LayerContext,
  x: Tensor,
  projecting: Projecting,
  start: number,
  count: number,
): void {
  const { numHeads, headSize, hiddenSize } = context.config;
  const n = (projecting.second ? 2 : 1) * numHeads * headSize;
  linear(context, { x, ...projecting }, { m: count, n, k: hiddenSize, cHeads: true, rowOffset: start });
}

/** Normalises, projects, attends. */
export function attentionState(
  context: LayerContext,
  layer: number,
  kind: LayerKind,
  x: Rows,
): AttentionState {
  const projected = projectHeads(context, layer, kind, x);
  const full = runsFullAttention(context.config, kind, context.length);
  return { ...projected, attended: attendHeads(context, layer, kind, full, projected.heads) };
}

/** stream ± dropout(Wo · attention). */
export function addAttention(
  context: LayerContext,
  layer: number,
  { attended }: { readonly attended: { readonly out: Tensor } },
  stream: Rows,
  store: "residualAdd" | "residualSub",
): void {
  const { config, weight } = context;
  const drop = dropoutAt(context, layer, "attention.output", config.hiddenDropout);
  for (const { start, count } of ranges([stream])) {
    linearResidual(
      context,
      {
        x: attended.out,
        weight: weight(`${NAME(context, layer)}.output.dense.weight`),
        stream: slice(stream, start, count),
        ...drop.tensors,
      },
      {
        m: count,
        n: config.hiddenSize,
        k: config.numHeads * config.headSize,
        aHeads: true,
        store,
        rowOffset: start,
        ...headColumns(context, "b"),
        ...drop.dims,
      },
    );
  }
}

/**
 * Backward of x1 += attention(x2): adds parameter gradients and the block's part of dx2.
 * `dOut` is the gradient of the first stream.
 */
export function attentionBackward(
  context: LayerContext,
  layer: number,
  kind: LayerKind,
  state: AttentionState,
  streams: { readonly x: Rows; readonly dOut: Rows; readonly dx: Rows },
): void {
  const { recording, config, batch, length, weight, gradient } = context;
  const { hiddenSize, numHeads, headSize } = config;
  const width = numHeads * headSize;
  const name = NAME(context, layer);
  const drop = dropoutAt(context, layer, "attention.output", config.hiddenDropout);
  const dAttended = recording.tensor("dAttended", [batch, numHeads, length, headSize]);
  for (const { start, count } of ranges([streams.dOut], rowStep(context))) {
    let dOut = slice(streams.dOut, start, count);
    if (drop.dims.dropout !== 0) {
      const masked = recording.tensor("dOut", [count, hiddenSize]);
      recording.dispatch(
        dropoutMask,
        { rows: count, columns: hiddenSize, rowOffset: start, ...drop.dims },
        { x: dOut, out: masked, ...drop.tensors },
      );
      dOut = masked;
    }
    linearWeightGradient(
      context,
      { dOut, x: state.attended.out, dWeight: gradient(`${name}.output.dense.weight`) },
      { m: hiddenSize, n: width, k: count, bHeads: true, rowOffset: start, ...headColumns(context, "c") },
    );
    linearInputGradient(
      context,
      { dOut, weight: weight(`${name}.output.dense.weight`), dx: dAttended },
      { m: count, n: width, k: hiddenSize, cHeads: true, rowOffset: start, ...headColumns(context, "b") },
    );
  }
  const dHeads = attendHeadsBackward(context, state.attended, dAttended);
  const dWeights = projections(kind).map((projection) =>
    headRows(context, gradient(`${name}.self_attention.${projection}.weight`)),
  );
  const matrices = [streams.x, streams.dx, ...(state.normed ? [state.normed] : [])];
  for (const { start, count } of ranges(matrices, rowStep(context))) {
    const normed = state.normed
      ? slice(state.normed, start, count)
      : normalizeRows(context, layer, streams.x, start, count);
    const dNormed = recording.tensor("dNormed", [count, hiddenSize]);
    const sizes = { m: width, n: hiddenSize, k: count };
    const sums = gradientSums(recording, [
      ...normParts(context, `${name}.layer_norm`, count),
      ...dWeights.map((dWeight) => weightParts(dWeight, sizes)),
    ]);
    projections(kind).forEach((projection, i) => {
      const dOut = dHeads[i] as Tensor;
      linearWeightGradient(
        context,
        { dOut, x: normed, dWeight: dWeights[i] as Tensor },
        { ...sizes, aHeads: true, rowOffset: start },
        sums,
      );
      linearInputGradient(
        context,
        {
          dOut,
          weight: headRows(context, weight(`${name}.self_attention.${projection}.weight`)),
          dx: dNormed,
        },
        { m: count, n: hiddenSize, k: width, aHeads: true, rowOffset: start, store: i ? "add" : "set" },
      );
    });
    normalizeBackward(
      context,
      `${name}.layer_norm`,
      { x: slice(streams.x, start, count), dOut: dNormed, dx: slice(streams.dx, start, count) },
      count,
      sums,
    );
    sums.add();
  }
}
