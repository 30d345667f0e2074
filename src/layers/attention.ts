// Attention block: Wo · SelfAttention(LayerNorm(x)), for LSH, local and full layers. Heads are kept as
// [batch, heads, length, headSize]; the matrix products read and write that layout themselves.
import { type LayerKind, runsFullAttention } from "../config/config.js";
import type { Storage } from "../gpu/kernel.js";
import { dropoutMask } from "../kernels/stream.js";
import { storedTensor, type Tensor } from "../scheduler/recording.js";
import { type Attended, type AttentionHeads, attendHeads, attendHeadsBackward } from "./attention-heads.js";
import { dropoutAt, type LayerContext, layerName } from "./context.js";
import { gradientSums } from "./gradient-sums.js";
import { linear, linearInputGradient, linearResidual, linearWeightGradient, weightParts } from "./linear.js";
import { normalize, normalizeBackward, normParts } from "./norm.js";
import { makeRows, type Rows, ranges, slice } from "./rows.js";

const NAME = ({ config }: LayerContext, layer: number) => `${layerName(config, layer)}.attention`;

/** What the forward pass computed and the backward pass needs. */
export interface AttentionState {
  readonly normed: Rows;
  readonly heads: AttentionHeads;
  readonly attended: Attended;
}

/** Projections of a layer, in the order of their gradients: LSH layers share query and key. */
export function projections(kind: LayerKind): readonly ("query_key" | "query" | "key" | "value")[] {
  return kind === "lsh" ? ["query_key", "value"] : ["query", "key", "value"];
}

/** How normalised rows, queries, keys and values are stored. */
const storageIn = ({ halves = false }: LayerContext): Storage => (halves ? "half" : "f32");

function newRows(context: LayerContext, label: string): Rows {
  const { recording, config, batch, length } = context;
  const make = (name: string, shape: readonly number[], type: Tensor["type"]) =>
    recording.tensor(name, shape, type);
  return makeRows(make, label, batch * length, config.hiddenSize, context.slabRows(config.hiddenSize));
}

/** Normalises and projects. */
export function projectHeads(
  context: LayerContext,
  layer: number,
  kind: LayerKind,
  x: Rows,
): Pick<AttentionState, "normed" | "heads"> {
  const { recording, config, batch, length, weight } = context;
  const { hiddenSize, numHeads, headSize } = config;
  const name = NAME(context, layer);
  const storage = storageIn(context);
  const normed: Rows = {
    ...newRows(context, "normed"),
    width: storage === "half" ? hiddenSize / 2 : hiddenSize, // in words
    slabs: [...ranges([x])].map(({ start, count }) =>
      normalize(context, `${name}.layer_norm`, slice(x, start, count), count, layer, storage),
    ),
  };
  const projected = projections(kind).map((projection) => {
    const out = storedTensor(recording, projection, [batch, numHeads, length, headSize], storage);
    for (const { start, count } of ranges([normed])) {
      linear(
        context,
        {
          x: slice(normed, start, count),
          weight: weight(`${name}.self_attention.${projection}.weight`),
          out,
        },
        { m: count, n: numHeads * headSize, k: hiddenSize, cHeads: true, rowOffset: start },
      );
    }
    return out;
  });
  const value = projected.at(-1) as Tensor;
  const heads: AttentionHeads = {
    query: projected[0] as Tensor,
    key: kind === "lsh" ? undefined : projected[1],
    value,
  };
  return { normed, heads };
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
  for (const { start, count } of ranges([streams.dOut])) {
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
      { m: hiddenSize, n: width, k: count, bHeads: true, rowOffset: start },
    );
    linearInputGradient(
      context,
      { dOut, weight: weight(`${name}.output.dense.weight`), dx: dAttended },
      { m: count, n: width, k: hiddenSize, cHeads: true, rowOffset: start },
    );
  }
  const dHeads = attendHeadsBackward(context, state.attended, dAttended);
  for (const { start, count } of ranges([streams.x, streams.dx, state.normed])) {
    const dNormed = recording.tensor("dNormed", [count, hiddenSize]);
    const sizes = { m: width, n: hiddenSize, k: count };
    const dWeightOf = (projection: string) => gradient(`${name}.self_attention.${projection}.weight`);
    const sums = gradientSums(recording, [
      ...normParts(context, `${name}.layer_norm`, count),
      ...projections(kind).map((projection) => weightParts(dWeightOf(projection), sizes)),
    ]);
    projections(kind).forEach((projection, i) => {
      const dOut = dHeads[i] as Tensor;
      linearWeightGradient(
        context,
        { dOut, x: slice(state.normed, start, count), dWeight: dWeightOf(projection) },
        { ...sizes, aHeads: true, rowOffset: start },
        sums,
      );
      linearInputGradient(
        context,
        { dOut, weight: weight(`${name}.self_attention.${projection}.weight`), dx: dNormed },
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
