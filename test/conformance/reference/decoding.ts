// Cached decoding in f64, as the public model does it: every new token attends to normed inputs kept of earlier ones.
import { fillToken, type LayerKind } from "../../../src/config/config.js";
import { type Case, padRows } from "../case.js";
import { cachedIds, type DecodeCall, decodeCall, decodeHash, tokensAt } from "../decode-case.js";
import { embedding, finalStates, reversibleLayer, type Setting, selfAttention } from "./blocks.js";
import { type Quantities, type ReferenceOptions, realRows, setting } from "./cases.js";
import { linear, type Numbers, Value } from "./tape.js";

/** Normed inputs of one layer: [batch][token], each of hiddenSize numbers. */
type States = number[][][];

/** Logits of the prompt and of every step, and the cached inputs of every layer. */
export function decode(c: Case, options: ReferenceOptions): Quantities {
  const { config } = c;
  const call = decodeCall(c);
  const { batch, prompt, steps, shape } = call;
  const { hiddenSize: E, vocabSize: V } = config;
  const states: States[] = config.layers.map(() => Array.from({ length: batch }, () => []));
  const keep = (layer: number, normed: Value, length: number, tokens: number) => {
    for (let row = 0; row < batch; row++) {
      for (let t = 0; t < tokens; t++) {
        const from = (row * length + t) * E;
        states[layer]?.[row]?.push([...normed.data.subarray(from, from + E)]);
      }
    }
  };
  const buckets = new Map<number, Numbers>();
  config.layers.forEach((kind, layer) => {
    const hash = kind === "lsh" ? decodeHash(c, call, layer, 0) : undefined;
    if (hash?.tokens === shape.padded) buckets.set(layer, hash.ids);
  });
  const made = { ...setting(c, shape, options).made, buckets };
  const reading: Setting = {
    ...made,
    attend: (layer, kind, normed) => {
      keep(layer, normed, shape.padded, prompt);
      return selfAttention(made, layer, kind, normed);
    },
  };
  const first = padRows(tokensAt(c, call, 0, prompt), shape, fillToken(config));
  const promptLogits = realRows(logitsOf(reading, first, 0), shape, V);

  const stepLogits = new Float64Array(batch * steps * V);
  for (let step = 0; step < steps; step++) {
    const position = prompt + step;
    const one: Setting = {
      ...made,
      batch,
      length: 1,
      keyMask: undefined,
      attend: (layer, kind, normed) => {
        keep(layer, normed, 1, 1);
        return attendToCache(c, call, made, { layer, kind, position, states: states[layer] ?? [] });
      },
    };
    const logits = logitsOf(one, tokensAt(c, call, position, 1), position);
    for (let row = 0; row < batch; row++) {
      stepLogits.set(logits.subarray(row * V, (row + 1) * V), (row * steps + step) * V);
    }
  }
  const out: Quantities = new Map();
  out.set("prompt_logits", promptLogits).set("step_logits", stepLogits);
  states.forEach((rows, layer) => void out.set(`cache/${layer}/states`, Float64Array.from(rows.flat(2))));
  return out;
}

function logitsOf(made: Setting, ids: Numbers, position: number): Float64Array {
  const { config, tape, parameter } = made;
  const x = embedding(made, ids, position);
  let streams: [Value, Value] = [x, x];
  config.layers.forEach((kind, layer) => {
    streams = reversibleLayer(made, layer, kind, ...streams);
  });
  const head = parameter("lm_head.decoder.weight");
  const bias = parameter("lm_head.bias");
  return linear(tape, finalStates(made, ...streams), head, 2 * config.hiddenSize, bias).data;
}

/** Attention of the newest token of every sequence, heads merged: [batch, heads · headSize]. */
function attendToCache(
  c: Case,
  call: DecodeCall,
  { tape, parameter, roundLogSumExp }: Setting,
  at: { layer: number; kind: LayerKind; position: number; states: States },
): Value {
  const { config } = c;
  const { numHeads: heads, headSize: d, hiddenSize: E, numHashes } = config;
  const { layer, kind, position, states } = at;
  const name = `reformer.encoder.layers.${layer}.attention.self_attention`;
  const shared = kind === "lsh";
  const round32 = roundLogSumExp ? Math.fround : (x: number) => x;
  const out = new Value(new Float64Array(call.batch * heads * d));
  states.forEach((rows, row) => {
    const x = new Value(rows.flat());
    const project = (part: string) => linear(tape, x, parameter(`${name}.${part}.weight`), E).data;
    const q = project(shared ? "query_key" : "query");
    const k = shared ? q : project("key");
    const v = project("value");
    for (let head = 0; head < heads; head++) {
      const vector = (of: Float64Array, token: number) =>
        of.subarray((token * heads + head) * d, (token * heads + head + 1) * d);
      const key = (token: number) => {
        const own = vector(k, token);
        const squares = own.reduce((sum, value) => sum + value * value, 0) / d;
        return own.map((value) => value / Math.sqrt(d) / (shared ? Math.sqrt(squares + 1e-6) : 1));
      };
      const logit = (token: number) => {
        if (shared && token === position) return -1e5;
        return key(token).reduce((sum, value, i) => sum + value * (vector(q, position)[i] as number), 0);
      };
      const rounds = windowsOf(c, call, { layer, kind, position, segment: row * heads + head }, numHashes);
      const logits = rounds.map((tokens) => tokens.map(logit));
      const logSumExp = (values: readonly number[]) => {
        const largest = Math.max(...values);
        return round32(largest + Math.log(values.reduce((sum, value) => sum + Math.exp(value - largest), 0)));
      };
      const sums = logits.map(logSumExp);
      const total = logSumExp(sums);
      const result = out.data.subarray((row * heads + head) * d, (row * heads + head + 1) * d);
      rounds.forEach((tokens, n) => {
        const weight = rounds.length === 1 ? 1 : Math.exp((sums[n] as number) - total);
        tokens.forEach((token, j) => {
          const p = weight * Math.exp((logits[n]?.[j] as number) - (sums[n] as number));
          vector(v, token).forEach((value, i) => {
            result[i] = (result[i] as number) + p * value;
          });
        });
      });
    }
  });
  return out;
}

/** Tokens that the token at `position` looks at, by round. */
function windowsOf(
  c: Case,
  call: DecodeCall,
  at: { layer: number; kind: LayerKind; position: number; segment: number },
  rounds: number,
): number[][] {
  const { config } = c;
  const { layer, kind, position, segment } = at;
  const all = Array.from({ length: position + 1 }, (_, t) => t);
  if (kind === "local") {
    const first =
      (Math.floor(position / config.localChunkLength) - config.localChunksBefore) * config.localChunkLength;
    // A start below 0 counts from the end of the cache.
    return [all.slice(first >= 0 ? first : Math.max(0, position + first))];
  }
  const ids = cachedIds(c, call, layer);
  if (!ids || position < call.hashedFrom) return [all];
  const length = call.prompt + call.steps;
  return Array.from({ length: rounds }, (_, round) => {
    const id = (t: number) => ids[(segment * rounds + round) * length + t] as number;
    const sorted = [...all].sort((a, b) => id(a) - id(b) || a - b);
    const chunk = Math.floor(sorted.indexOf(position) / config.lshChunkLength);
    const first = (chunk - config.lshChunksBefore) * config.lshChunkLength;
    const count = config.lshChunkLength * (1 + config.lshChunksBefore + config.lshChunksAfter);
    const tokens = position + 1;
    return Array.from(
      { length: count },
      (_, i) => sorted[(((first + i) % tokens) + tokens) % tokens] as number,
    );
  });
}
