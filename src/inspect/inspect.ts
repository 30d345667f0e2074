// What one head of one layer does with one sequence: buckets, sorted order, candidates and weights.
import type { ReformerConfig } from "../config.js";
import type { OpenDevice } from "../engine-device.js";
import { ConfigError } from "../errors.js";
import { bucketIds, hash } from "../layers/attention-heads.js";
import { recordBucketSort } from "../layers/bucket-sort.js";
import type { Batch } from "../text/dataset.js";
import { observeLayers } from "./observe.js";

/** One head's view of a sequence. Plain data; `attentionOf` and `exactAttentionOf` compute weights from it. */
export interface Inspection {
  readonly layer: number;
  readonly head: number;
  readonly kind: "lsh" | "local" | "full";
  /** Real tokens; rows beyond them are padding. */
  readonly tokens: number;
  readonly paddedLength: number;
  readonly headSize: number;
  /** [paddedLength, headSize] */
  readonly queries: Float32Array;
  /** [paddedLength, headSize], scaled: the score of query i and key j is their product. */
  readonly keys: Float32Array;
  readonly causal: boolean;
  /** Queries and keys are the same vectors: a token sees itself only where it sees nothing else. */
  readonly shared: boolean;
  /** 1 where there is no hashing. */
  readonly rounds: number;
  /** `paddedLength` where every token sees every other one. */
  readonly chunkLength: number;
  readonly chunksBefore: number;
  readonly chunksAfter: number;
  readonly duplicates: "count" | "once";
  readonly acrossBuckets: boolean;
  /** [rounds, paddedLength], the bucket of every token; empty without hashing. */
  readonly buckets: Uint32Array;
  /** [rounds, paddedLength], tokens sorted by bucket; empty without hashing. */
  readonly order: Uint32Array;
}

/** A key that a query meets. */
export interface Attention {
  readonly key: number;
  /** Softmax weight of all its meetings, 0 to 1. */
  readonly weight: number;
  /** In how many windows they met. */
  readonly meetings: number;
}

/** @throws {ConfigError} where the model has no such layer or head */
export async function inspectHead(
  device: Pick<OpenDevice, "gpu" | "base" | "weights" | "profile">,
  config: ReformerConfig,
  batch: Batch,
  { layer, head }: { readonly layer: number; readonly head: number },
  options: { readonly seed: number; readonly signal?: AbortSignal | undefined },
): Promise<Inspection> {
  const { layers, numHeads, headSize } = config;
  const kind = layers[layer];
  if (kind === undefined) throw outside("layer", layer, layers.length);
  if (!Number.isInteger(head) || head < 0 || head >= numHeads) throw outside("head", head, numHeads);
  let hashed = false;
  const read = await observeLayers(
    device,
    config,
    batch,
    (observed) => {
      if (observed.layer !== layer) return undefined;
      const { context, heads, full, keep } = observed;
      const { recording, length } = context;
      const copied = (name: string, from: typeof heads.query, type: "f32" | "u32" = "f32") => {
        const kept = keep(name, from.shape, type);
        recording.copy(from, kept);
        return kept;
      };
      const projected = {
        queries: copied("queries", heads.query),
        ...(heads.key && { keys: copied("keys", heads.key) }),
      };
      hashed = kind === "lsh" && !full;
      if (!hashed) return projected;
      const ids = hash(context, layer, config.numHashes, heads.query);
      const sizes = { segments: numHeads * config.numHashes, length, buckets: bucketIds(context) };
      return {
        ...projected,
        buckets: copied("buckets", ids, "u32"),
        order: copied("order", recordBucketSort(recording, sizes, ids), "u32"),
      };
    },
    options,
  );
  const kept = read.get(layer) as Readonly<Record<string, Float32Array | Uint32Array>>;
  const padded = (kept.queries as Float32Array).length / (numHeads * headSize);
  const ofHead = (values: Float32Array | Uint32Array | undefined, size: number) =>
    values?.slice(head * size, (head + 1) * size);
  const queries = ofHead(kept.queries, padded * headSize) as Float32Array;
  const shared = kind === "lsh";
  const rounds = hashed ? config.numHashes : 1;
  const chunked = kind === "local" && padded > config.localChunkLength && padded >= config.fullAttentionBelow;
  const window = hashed
    ? { length: config.lshChunkLength, before: config.lshChunksBefore, after: config.lshChunksAfter }
    : chunked
      ? { length: config.localChunkLength, before: config.localChunksBefore, after: config.localChunksAfter }
      : { length: padded, before: 0, after: 0 };
  const segments = (values: Float32Array | Uint32Array | undefined) =>
    (ofHead(values, rounds * padded) ?? new Uint32Array(0)) as Uint32Array;
  return {
    ...{ layer, head, kind, tokens: batch.length, paddedLength: padded, headSize },
    queries,
    keys: shared
      ? sharedKeys(queries, headSize)
      : (ofHead(kept.keys, padded * headSize) as Float32Array).map((x) => x / Math.sqrt(headSize)),
    ...{ causal: config.causal, shared, rounds },
    chunkLength: window.length,
    chunksBefore: window.before,
    chunksAfter: window.after,
    duplicates: hashed ? config.duplicates : "count",
    acrossBuckets: hashed ? config.acrossBuckets : true,
    buckets: segments(kept.buckets),
    order: segments(kept.order),
  };
}

function outside(field: string, given: number, count: number): ConfigError {
  return new ConfigError(`${field} is ${given}, but this model has ${field}s 0 to ${count - 1}.`, { field });
}

/** Queries over their root mean square, over √headSize. */
function sharedKeys(queries: Float32Array, headSize: number): Float32Array {
  const keys = new Float32Array(queries.length);
  for (let at = 0; at < keys.length; at += headSize) {
    const query = queries.subarray(at, at + headSize);
    const squares = query.reduce((sum, x) => sum + x * x, 0);
    const scale = 1 / Math.sqrt(squares / headSize + 1e-6) / Math.sqrt(headSize);
    for (let i = 0; i < headSize; i++) keys[at + i] = (query[i] as number) * scale;
  }
  return keys;
}

/** Scores of keys in the future and of padding, and of a token as its own key. */
const FORBIDDEN = -1e9;
const SELF = -1e5;

/** Score of a pair, with what stands in for it where the query may not see the key. */
function score(inspection: Inspection, query: number, key: number): number {
  const { queries, keys, headSize, causal, shared, tokens } = inspection;
  if (shared && query === key) return SELF;
  if (key >= tokens || (causal && key > query)) return FORBIDDEN;
  let sum = 0;
  for (let i = 0; i < headSize; i++) {
    sum += (queries[query * headSize + i] as number) * (keys[key * headSize + i] as number);
  }
  return sum;
}

/** Softmax weights over keys and how often each is met, largest first; keys that are never allowed are left out. */
function weigh(inspection: Inspection, query: number, meetings: ReadonlyMap<number, number>): Attention[] {
  const scored = [...meetings].map(([key, met]) => {
    const times = inspection.duplicates === "once" ? 1 : met;
    return { key, met, logit: score(inspection, query, key) + Math.log(times) };
  });
  const largest = scored.reduce((most, { logit }) => Math.max(most, logit), Number.NEGATIVE_INFINITY);
  const sum = scored.reduce((total, { logit }) => total + Math.exp(logit - largest), 0);
  return scored
    .map(({ key, met, logit }) => ({ key, meetings: met, weight: Math.exp(logit - largest) / sum }))
    .filter(({ weight }) => weight > 0)
    .sort((a, b) => b.weight - a.weight);
}

/** The keys that a token attends to among its candidates, the largest weight first. */
export function attentionOf(inspection: Inspection, token: number): Attention[] {
  return weigh(inspection, token, candidatesOf(inspection, token));
}

/** What full attention with the same queries and keys would give. */
export function exactAttentionOf(inspection: Inspection, token: number): Attention[] {
  const all = new Map(Array.from({ length: inspection.tokens }, (_, key) => [key, 1]));
  return weigh(inspection, token, all);
}

/** Every key in the windows of a token, with the number of windows it is in, masks not yet applied. */
export function candidatesOf(inspection: Inspection, token: number): Map<number, number> {
  const { paddedLength, rounds, chunkLength, chunksBefore, chunksAfter, buckets, order } = inspection;
  checkToken(inspection, token);
  const chunks = paddedLength / chunkLength;
  const ring = rounds * chunks;
  const tokenAt = (slot: number) => (order.length > 0 ? (order[slot] as number) : slot);
  const met = new Map<number, number>();
  for (let round = 0; round < rounds; round++) {
    const inRound = order.subarray(round * paddedLength, (round + 1) * paddedLength);
    const slot = round * paddedLength + (order.length > 0 ? inRound.indexOf(token) : token);
    const chunk = Math.floor(slot / chunkLength);
    for (let offset = -chunksBefore; offset <= chunksAfter; offset++) {
      const keyChunk = (((chunk + offset) % ring) + ring) % ring;
      const keyRound = Math.floor(keyChunk / chunks);
      for (let i = 0; i < chunkLength; i++) {
        const key = tokenAt(keyChunk * chunkLength + i);
        if (!inspection.acrossBuckets && key !== token) {
          const same =
            keyRound === round &&
            buckets[round * paddedLength + token] === buckets[round * paddedLength + key];
          if (!same) continue;
        }
        met.set(key, (met.get(key) ?? 0) + 1);
      }
    }
  }
  return met;
}

function checkToken({ tokens }: Inspection, token: number): void {
  if (Number.isInteger(token) && token >= 0 && token < tokens) return;
  throw new ConfigError(`token is ${token}, but this sequence has tokens 0 to ${tokens - 1}.`, {
    field: "token",
  });
}
