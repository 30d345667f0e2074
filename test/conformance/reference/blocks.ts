// The Reformer's blocks in f64, from the formulas: embedding, attention block, feed-forward block, reversible layer.
import { type LayerKind, type ReformerConfig, runsFullAttention } from "../../../src/config/config.js";
import { elements } from "../../../src/shapes.js";
import { activate } from "./activations.js";
import { attend } from "./attention.js";
import { add, gather, layerNorm, linear, type Numbers, scale, type Tape, Value } from "./tape.js";

/** What the blocks compute with. */
export interface Setting {
  readonly tape: Tape;
  readonly config: ReformerConfig;
  readonly batch: number;
  readonly length: number;
  readonly keyMask: Numbers | undefined;
  readonly parameter: (name: string) => Value;
  /** Bucket ids by layer. */
  readonly buckets: ReadonlyMap<number, Numbers>;
  /** Keep masks by place; a place without one does not drop. */
  readonly keep: ReadonlyMap<string, Numbers>;
  readonly roundLogSumExp: boolean;
  /** Instead of attention among the tokens at hand: from what the projections see to the merged heads. */
  readonly attend?: ((layer: number, kind: LayerKind, normed: Value) => Value) | undefined;
  /** Error of one number written to a residual stream. */
  readonly streamError?: (() => number) | undefined;
}

/** Errors of `count` stream words; undefined where streams are exact. */
export function errors({ streamError }: Setting, count: number): Float64Array | undefined {
  return streamError && Float64Array.from({ length: count }, streamError);
}

function drop({ tape, keep }: Setting, place: string, rate: number, x: Value): Value {
  const mask = keep.get(place);
  return mask
    ? scale(
        tape,
        x,
        Array.from(mask, (kept) => kept / (1 - rate)),
      )
    : x;
}

/** Word plus position vectors of ids [batch, length], positions from `first`. */
export function embedding(setting: Setting, ids: Numbers, first: number): Value {
  const { tape, config, parameter, keep, batch, length } = setting;
  const { hiddenSize: E, hiddenDropout: rate, positions } = config;
  const name = "reformer.embeddings";
  const word = drop(
    setting,
    "-1.word",
    rate,
    gather(tape, parameter(`${name}.word_embeddings.weight`), ids, E),
  );
  const place = Array.from({ length: batch * length }, (_, i) => first + (i % length));
  let position: Value;
  if (positions.type === "axial") {
    const tables = positions.shape.map((_, axis) => parameter(`${name}.position_embeddings.weights.${axis}`));
    const row = (p: number, axis: number) =>
      Math.floor(p / elements(positions.shape.slice(axis + 1))) % (positions.shape[axis] as number);
    const parts = positions.dims.map((size, axis) =>
      gather(
        tape,
        tables[axis] as Value,
        place.map((p) => row(p, axis)),
        size,
      ),
    );
    position = interleave(tape, parts, positions.dims);
    const count = positions.shape[1] as number;
    const planes = keep.get("-1.position"); // [batch, rows of axis 1]: a dropped plane loses the whole vector
    if (planes) {
      const kept = place.map((p, i) => planes[Math.floor(i / length) * count + row(p, 1)] as number);
      const factor = Array.from(
        { length: place.length * E },
        (_, i) => (kept[Math.floor(i / E)] as number) / (1 - rate),
      );
      position = scale(tape, position, factor);
    }
  } else {
    const table = parameter(`${name}.position_embeddings.embedding.weight`);
    position = drop(setting, "-1.position", rate, gather(tape, table, place, E));
  }
  return add(tape, word, position, errors(setting, word.data.length));
}

/** Parts side by side, rows of part k `sizes[k]` wide. */
function interleave(tape: Tape, parts: readonly Value[], sizes: readonly number[]): Value {
  const width = sizes.reduce((sum, size) => sum + size, 0);
  /** By column: the part, its width, and the column in it. */
  const columns = sizes.flatMap((size, k) =>
    Array.from({ length: size }, (_, column) => ({ part: parts[k] as Value, size, column })),
  );
  const source = (i: number): [Value, number] => {
    const { part, size, column } = columns[i % width] as (typeof columns)[number];
    return [part, Math.floor(i / width) * size + column];
  };
  const count = parts.reduce((sum, { data }) => sum + data.length, 0);
  const out = new Value(
    Float64Array.from({ length: count }, (_, i) => {
      const [from, index] = source(i);
      return from.data[index] as number;
    }),
  );
  tape.push(() => {
    out.grad.forEach((g, i) => {
      const [from, index] = source(i);
      from.grad[index] = (from.grad[index] as number) + g;
    });
  });
  return out;
}

/** [x1 | x2]. */
export function pair(tape: Tape, x1: Value, x2: Value, size: number): Value {
  return interleave(tape, [x1, x2], [size, size]);
}

/** Projections and attention of one layer, heads merged: x is what the projections see. */
export function selfAttention(setting: Setting, layer: number, kind: LayerKind, x: Value): Value {
  const { tape, config, parameter, batch, length, keyMask, buckets, keep, roundLogSumExp } = setting;
  const { hiddenSize: E } = config;
  const name = `reformer.encoder.layers.${layer}.attention.self_attention`;
  const project = (projection: string) => linear(tape, x, parameter(`${name}.${projection}.weight`), E);
  const shared = kind === "lsh";
  const full = runsFullAttention(config, kind, length);
  const rules = {
    batch,
    length,
    heads: config.numHeads,
    headSize: config.headSize,
    rounds: shared && !full ? config.numHashes : 1,
    chunkLength: full ? length : shared ? config.lshChunkLength : config.localChunkLength,
    chunksBefore: full ? 0 : shared ? config.lshChunksBefore : config.localChunksBefore,
    chunksAfter: full ? 0 : shared ? config.lshChunksAfter : config.localChunksAfter,
    causal: config.causal,
    shared,
    keyMask,
    buckets: buckets.get(layer),
    duplicates: config.duplicates,
    acrossBuckets: config.acrossBuckets,
    keep: keep.get(`${layer}.attention.probabilities`),
    dropoutRate: shared ? config.lshDropout : config.localDropout,
    roundLogSumExp,
  };
  const q = project(shared ? "query_key" : "query");
  return attend(tape, rules, q, shared ? undefined : project("key"), project("value"));
}

const selfAttentionOf = (setting: Setting) => (layer: number, kind: LayerKind, x: Value) =>
  selfAttention(setting, layer, kind, x);

/** Wo · SelfAttention(LayerNorm(x)). */
export function attentionBlock(setting: Setting, layer: number, kind: LayerKind, x: Value): Value {
  const { tape, config, parameter } = setting;
  const name = `reformer.encoder.layers.${layer}.attention`;
  const normed = norm(setting, `${name}.layer_norm`, x);
  const attended = (setting.attend ?? selfAttentionOf(setting))(layer, kind, normed);
  const width = config.numHeads * config.headSize;
  const out = linear(tape, attended, parameter(`${name}.output.dense.weight`), width);
  return drop(setting, `${layer}.attention.output`, config.hiddenDropout, out);
}

/** W2 · act(dropout(W1 · LayerNorm(x) + b1)) + b2, dropout at the end. */
export function feedForwardBlock(setting: Setting, layer: number, x: Value): Value {
  const { tape, config, parameter } = setting;
  const { hiddenDropout: rate } = config;
  const name = `reformer.encoder.layers.${layer}.feed_forward`;
  const dense = (part: string, input: Value, size: number) =>
    linear(tape, input, parameter(`${name}.${part}.weight`), size, parameter(`${name}.${part}.bias`));
  const hidden = dense("dense.dense", norm(setting, `${name}.layer_norm`, x), config.hiddenSize);
  const dropped = drop(setting, `${layer}.feedForward.inner`, rate, hidden);
  const out = dense("output.dense", activate(tape, dropped, config.activation), config.feedForwardSize);
  return drop(setting, `${layer}.feedForward.output`, rate, out);
}

/** y1 = x1 + attention(x2), y2 = x2 + feedForward(y1). */
export function reversibleLayer(
  setting: Setting,
  layer: number,
  kind: LayerKind,
  x1: Value,
  x2: Value,
): [Value, Value] {
  const { tape } = setting;
  const written = (x: Value) => errors(setting, x.data.length);
  const y1 = add(tape, x1, attentionBlock(setting, layer, kind, x2), written(x1));
  const y2 = add(tape, x2, feedForwardBlock(setting, layer, y1), written(x2));
  return [y1, y2];
}

/** Final states: dropout(LayerNorm([x1 | x2])). */
export function finalStates(setting: Setting, x1: Value, x2: Value): Value {
  const { tape, config } = setting;
  const states = norm(setting, "reformer.encoder.layer_norm", pair(tape, x1, x2, config.hiddenSize));
  return drop(setting, "-1.final", config.hiddenDropout, states);
}

function norm({ tape, config, parameter }: Setting, name: string, x: Value): Value {
  return layerNorm(tape, x, parameter(`${name}.weight`), parameter(`${name}.bias`), config.layerNormEps);
}
