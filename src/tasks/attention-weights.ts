// Softmax weights of an inspected head, from its queries, keys and windows; no GPU.
import { ConfigError } from "../errors.js";
import type { Attention, Inspection } from "../types-tasks.js";

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
