// Sequence to sequence in f64, from the formulas: two stacks, the mean of the encoder's streams and its norm, and source
// and target joined. The blocks are those of the conformance tests.
import { fillToken, type ReformerConfig, startToken } from "../../src/config/config.js";
import { embedding, finalStates, reversibleLayer, type Setting } from "../conformance/reference/blocks.js";
import {
  add,
  crossEntropy,
  layerNorm,
  linear,
  type Numbers,
  scale,
  Tape,
  Value,
} from "../conformance/reference/tape.js";

export interface Pairs {
  readonly sources: readonly (readonly number[])[];
  /** Without their end. */
  readonly targets: readonly (readonly number[])[];
}

export interface Sizes {
  readonly sourceLength: number;
  readonly targetLength: number;
  readonly joined: number;
}

/** Rows of both parts in one sequence: those of a source, then those of its target; zeros after them. */
function join(
  tape: Tape,
  source: Value,
  target: Value,
  counts: readonly number[],
  sizes: Sizes,
  width: number,
): Value {
  const { sourceLength, targetLength, joined } = sizes;
  const out = new Value(new Float64Array(counts.length * joined * width));
  const places: [Value, number][] = [];
  counts.forEach((count, b) => {
    for (let t = 0; t < Math.min(joined, count + targetLength); t++) {
      const [from, row] = t < count ? [source, b * sourceLength + t] : [target, b * targetLength + t - count];
      for (let e = 0; e < width; e++) {
        const at = (b * joined + t) * width + e;
        places[at] = [from, row * width + e];
        out.data[at] = from.data[row * width + e]!;
      }
    }
  });
  tape.push(() => {
    places.forEach(([from, index], at) => {
      from.grad[index] = from.grad[index]! + out.grad[at]!;
    });
  });
  return out;
}

const mask = (counts: readonly number[], length: number): Numbers =>
  counts.flatMap((count) => Array.from({ length }, (_, t) => Number(t < count)));
const padded = (rows: readonly (readonly number[])[], length: number, pad: number): number[] =>
  rows.flatMap((row) => Array.from({ length }, (_, t) => row[t] ?? pad));

/** Mean loss over all target tokens and their ends, logits of every joined row, and the gradient of every parameter. */
export function pairReference(
  config: ReformerConfig,
  given: ReadonlyMap<string, Numbers>,
  { sources, targets }: Pairs,
  sizes: Sizes,
  /** By layer, the decoder's first. */
  buckets: ReadonlyMap<number, Numbers>,
): { loss: number; logits: Float64Array; gradients: ReadonlyMap<string, Float64Array> } {
  const values = new Map([...given].map(([name, data]) => [name, new Value(data)]));
  const parameter = (name: string): Value => {
    const found = values.get(name);
    if (!found) throw new Error(`no parameter ${name}`);
    return found;
  };
  const tape = new Tape();
  const { hiddenSize: E } = config;
  const [pad, end] = [fillToken(config), startToken(config)];
  const counts = sources.map(({ length }) => length);
  const common = { tape, config, batch: sources.length, keep: new Map(), roundLogSumExp: false };
  const encoder: Setting = {
    ...common,
    config: { ...config, causal: false },
    length: sizes.sourceLength,
    keyMask: mask(counts, sizes.sourceLength),
    parameter,
    buckets: new Map([...buckets].map(([layer, ids]) => [layer - config.layers.length, ids])),
  };
  const start = embedding(encoder, padded(sources, sizes.sourceLength, pad), 0);
  let [x1, x2] = [start, start];
  config.encoderLayers.forEach((kind, layer) => {
    [x1, x2] = reversibleLayer(encoder, layer, kind, x1, x2);
  });
  const sum = add(tape, x1, x2);
  const mean = scale(tape, sum, new Float64Array(sum.data.length).fill(0.5));
  const norm = "reformer.encoder.layer_norm";
  const encoded = layerNorm(
    tape,
    mean,
    parameter(`${norm}.weight`),
    parameter(`${norm}.bias`),
    config.layerNormEps,
  );

  const decoder: Setting = {
    ...common,
    config: { ...config, lshChunksAfter: 0, localChunksAfter: 0 },
    length: sizes.joined,
    keyMask: mask(
      counts.map((count, b) => count + targets[b]!.length + 1),
      sizes.joined,
    ),
    parameter: (name) => parameter(name.replace("reformer.encoder.", "reformer.decoder.")),
    buckets,
  };
  const target: Setting = {
    ...decoder,
    length: sizes.targetLength,
    parameter: (name) => parameter(name.replace("embeddings.position", "embeddings.target_position")),
  };
  const begun = targets.map((tokens) => [end, ...tokens]);
  const embedded = embedding(target, padded(begun, sizes.targetLength, pad), 0);
  let [y1, y2] = [join(tape, encoded, embedded, counts, sizes, E), new Value([])];
  y2 = y1;
  config.layers.forEach((kind, layer) => {
    [y1, y2] = reversibleLayer(decoder, layer, kind, y1, y2);
  });
  const states = finalStates(decoder, y1, y2);
  const logits = linear(tape, states, parameter("lm_head.decoder.weight"), 2 * E, parameter("lm_head.bias"));
  const predicted = new Array<number>(sources.length * sizes.joined).fill(-100);
  targets.forEach((tokens, b) => {
    [...tokens, end].forEach((token, j) => {
      predicted[b * sizes.joined + counts[b]! + j] = token;
    });
  });
  const loss = crossEntropy(logits, predicted, config.vocabSize);
  tape.backward();
  return { loss, logits: logits.data, gradients: new Map([...values].map(([name, v]) => [name, v.grad])) };
}
