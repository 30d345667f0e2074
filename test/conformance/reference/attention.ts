// Attention over chunks in f64: every query against its window, round by round, rounds combined by log-sum-exp.
import { type Numbers, type Tape, Value } from "./tape.js";

export interface AttentionRules {
  readonly batch: number;
  readonly heads: number;
  readonly headSize: number;
  readonly length: number;
  readonly rounds: number;
  readonly chunkLength: number;
  readonly chunksBefore: number;
  readonly chunksAfter: number;
  readonly causal: boolean;
  /** LSH: keys are the RMS-normalised queries, and a token sees itself only where it sees nothing else. */
  readonly shared: boolean;
  /** [batch, length], 0 = padding. */
  readonly keyMask?: Numbers | undefined;
  /** Bucket ids [batch, heads, rounds, length] without round offsets; none: sequence order. */
  readonly buckets?: Numbers | undefined;
  readonly duplicates: "count" | "once";
  readonly acrossBuckets: boolean;
  /** Of the weights: [batch, heads, rounds · length / chunkLength, chunkLength, window]. */
  readonly keep?: Numbers | undefined;
  readonly dropoutRate: number;
  /** Rounds every log-sum-exp to f32, as the recorded f32 runs do. */
  readonly roundLogSumExp: boolean;
}

const KEY_EPSILON = 1e-6;
const FORBIDDEN = -1e9;
const SELF = -1e5;

/** Tokens of one sequence and head in slot order, rounds one after another. */
function sortedTokens(rules: AttentionRules, row: number): number[] {
  const { rounds, length, buckets } = rules;
  return Array.from({ length: rounds }, (_, round) => {
    const tokens = Array.from({ length }, (_, t) => t);
    const id = (t: number) => (buckets ? (buckets[(row * rounds + round) * length + t] as number) : 0);
    return tokens.sort((a, b) => id(a) - id(b) || a - b);
  }).flat();
}

/** One key that a query meets. */
interface Meeting {
  readonly key: number;
  logit: number;
  /** False where the logit is a constant. */
  readonly free: boolean;
  readonly factor: number;
}

/** softmax(q·k)·v; q, k, v and the result are [batch · length, heads · headSize], k is absent where keys are shared. */
export function attend(tape: Tape, rules: AttentionRules, q: Value, k: Value | undefined, v: Value): Value {
  const out = new Value(new Float64Array(v.data.length));
  for (let row = 0; row < rules.batch * rules.heads; row++) attendRow(tape, rules, row, { q, k, v, out });
  return out;
}

function attendRow(
  tape: Tape,
  rules: AttentionRules,
  row: number,
  { q, k, v, out }: { q: Value; k: Value | undefined; v: Value; out: Value },
): void {
  const { heads, headSize: d, length, rounds, chunkLength: C, chunksBefore, chunksAfter, buckets } = rules;
  const { causal, shared, keyMask, keep, dropoutRate } = rules;
  const batch = Math.floor(row / heads);
  const at = (token: number) => ((batch * length + token) * heads + (row % heads)) * d;
  const round32 = rules.roundLogSumExp ? Math.fround : (x: number) => x;
  const order = sortedTokens(rules, row);
  const chunks = (rounds * length) / C;
  const window = C * (1 + chunksBefore + chunksAfter);
  const bucketOf = (token: number, round: number) =>
    buckets ? (buckets[(row * rounds + round) * length + token] as number) : 0;
  const slice = (x: Float64Array, token: number) => x.subarray(at(token), at(token) + d);
  const dot = (a: Float64Array, b: Float64Array) => a.reduce((sum, x, i) => sum + x * (b[i] as number), 0);

  const keys = Array.from({ length }, (_, t) => {
    if (k) return slice(k.data, t).map((x) => x / Math.sqrt(d));
    const x = slice(q.data, t);
    return x.map((value) => value / Math.sqrt(dot(x, x) / d + KEY_EPSILON) / Math.sqrt(d));
  });
  const dKeys = keys.map((key) => new Float64Array(key.length));
  // Before the queries' steps on the tape, so that it runs once all of them have added to dKeys.
  tape.push(() => {
    dKeys.forEach((g, t) => {
      const to = slice((k ?? q).grad, t);
      const x = slice((k ?? q).data, t);
      const squares = dot(x, x) / d + KEY_EPSILON;
      const factor = k ? 1 / Math.sqrt(d) : 1 / Math.sqrt(squares * d);
      const along = k ? 0 : dot(x, g) / (squares * d);
      for (let i = 0; i < d; i++)
        to[i] = (to[i] as number) + factor * ((g[i] as number) - (x[i] as number) * along);
    });
  });

  // meetings[token][round]
  const meetings: Meeting[][][] = Array.from({ length }, () => Array.from({ length: rounds }, () => []));
  for (let slot = 0; slot < rounds * length; slot++) {
    const token = order[slot] as number;
    const round = Math.floor(slot / length);
    for (let w = 0; w < window; w++) {
      const chunk = (Math.floor(slot / C) + (chunks - 1) * chunksBefore + Math.floor(w / C)) % chunks;
      const keySlot = chunk * C + (w % C);
      const key = order[keySlot] as number;
      const other =
        !rules.acrossBuckets &&
        (Math.floor(keySlot / length) !== round || bucketOf(key, round) !== bucketOf(token, round));
      const masked = keyMask !== undefined && keyMask[batch * length + key] === 0;
      const forbidden = other || masked || (causal && key > token);
      const self = shared && key === token;
      const logit = self
        ? SELF
        : forbidden
          ? FORBIDDEN
          : dot(slice(q.data, token), keys[key] as Float64Array);
      const kept = keep
        ? (keep[(row * rounds * length + slot) * window + w] as number) / (1 - dropoutRate)
        : 1;
      meetings[token]?.[round]?.push({ key, logit, free: !self && !forbidden, factor: kept });
    }
  }
  if (rules.duplicates === "once") {
    for (const met of meetings) {
      const counts = new Map<number, number>();
      for (const { key, free } of met.flat()) if (free) counts.set(key, (counts.get(key) ?? 0) + 1);
      for (const one of met.flat()) if (one.free) one.logit -= Math.log(counts.get(one.key) ?? 1);
    }
  }

  const logSumExp = (values: readonly number[]) => {
    const largest = Math.max(...values);
    return round32(largest + Math.log(values.reduce((sum, x) => sum + Math.exp(x - largest), 0)));
  };
  for (let token = 0; token < length; token++) {
    const met = meetings[token] as Meeting[][];
    const sums = met.map((one) => logSumExp(one.map(({ logit }) => logit)));
    const total = logSumExp(sums);
    const weights = rounds === 1 ? [1] : sums.map((sum) => Math.exp(sum - total));
    const outputs = met.map((one, n) => {
      const o = new Float64Array(d);
      for (const { key, logit, factor } of one) {
        const p = Math.exp(logit - (sums[n] as number)) * factor;
        const value = slice(v.data, key);
        for (let i = 0; i < d; i++) o[i] = (o[i] as number) + p * (value[i] as number);
      }
      return o;
    });
    const result = slice(out.data, token);
    outputs.forEach((o, n) => {
      for (let i = 0; i < d; i++)
        result[i] = (result[i] as number) + (weights[n] as number) * (o[i] as number);
    });
    tape.push(() => {
      const g = slice(out.grad, token);
      const dWeights = outputs.map((o) => dot(g, o));
      const mean = dWeights.reduce((sum, x, n) => sum + x * (weights[n] as number), 0);
      met.forEach((one, n) => {
        const weight = weights[n] as number;
        const p = one.map(({ logit }) => Math.exp(logit - (sums[n] as number)));
        const dP = one.map(({ key, factor }) => weight * factor * dot(g, slice(v.data, key)));
        const dSum = rounds === 1 ? 0 : weight * ((dWeights[n] as number) - mean);
        const inner = p.reduce((sum, x, j) => sum + x * (dP[j] as number), 0);
        one.forEach(({ key, free, factor }, j) => {
          const pj = p[j] as number;
          const dV = slice(v.grad, key);
          for (let i = 0; i < d; i++) dV[i] = (dV[i] as number) + weight * pj * factor * (g[i] as number);
          if (!free) return;
          const dLogit = pj * ((dP[j] as number) - inner + dSum);
          const dQ = slice(q.grad, token);
          const dKey = dKeys[key] as Float64Array;
          const query = slice(q.data, token);
          for (let i = 0; i < d; i++) {
            dQ[i] = (dQ[i] as number) + dLogit * (keys[key]?.[i] as number);
            dKey[i] = (dKey[i] as number) + dLogit * (query[i] as number);
          }
        });
      });
    });
  }
}
