// Checks of what only writing needs: caches, attention to them, sampling. Bounds as derived in test/kernels.
import { decodeAppend } from "../../src/kernels/decode-append.js";
import { type DecodeAttentionDims, decodeAttention } from "../../src/kernels/decode-attention.js";
import { decodeInsert, listBlocks, listShape } from "../../src/kernels/decode-insert.js";
import { markSeen, sampleToken } from "../../src/kernels/sampling.js";
import { Random, randomKey, threefry2x32, uniformOf } from "../../src/random.js";
import { decodeAppend as appendOracle } from "../oracle/decode-append.js";
import { decodeKeys, decodeAttention as decodeOracle } from "../oracle/decode-attention.js";
import {
  decodeWindow,
  decodeInsert as insertOracle,
  readLists,
  tokensByBucket,
  writeLists,
} from "../oracle/decode-insert.js";
import { tokenShares } from "../oracle/sampling.js";
import { U32 } from "../support/close.js";
import { call } from "../support/run-kernel.js";
import { normals } from "../support/values.js";
import { type Check, EXACT } from "./check.js";

function controlAt(position: number): Uint32Array {
  const control = new Uint32Array(16);
  control[8] = position;
  return control;
}

const appending: Check = {
  family: "decode-append",
  what: "a token into both caches",
  async compare(run) {
    const dims = { rows: 6, length: 1, capacity: 9, width: 20, atPosition: true };
    const numbers = (count: number, from: number) => Uint32Array.from({ length: count }, (_, i) => from + i);
    const values = {
      rows: numbers(120, 0x4000_0000),
      otherRows: numbers(120, 0x5000_0000),
      cache: numbers(1080, 0x6000_0000),
      otherCache: numbers(1080, 0x7000_0000),
    };
    const { cache, otherCache } = await run([call(decodeAppend, dims)], { ...values, control: controlAt(5) });
    return {
      cache: { actual: cache, expected: appendOracle(dims, 5, values.rows, values.cache), bound: EXACT },
      otherCache: {
        actual: otherCache,
        expected: appendOracle(dims, 5, values.otherRows, values.otherCache),
        bound: EXACT,
      },
    };
  },
};

/** Buckets of `tokens` tokens of every row. */
function drawIds(rows: number, tokens: number, buckets: number): number[][] {
  const random = new Random(tokens);
  return Array.from({ length: rows }, () => Array.from({ length: tokens }, () => random.below(buckets)));
}

const inserting: Check = {
  family: "decode-insert",
  what: "a token among 613 in 16 buckets",
  async compare(run) {
    const [rows, buckets, position] = [5, 16, 613];
    const ids = drawIds(rows, position + 1, buckets);
    const chunks = { chunkLength: 32, chunksBefore: 1, chunksAfter: 1 };
    const dims = { rows, count: 1, atPosition: true, buckets, blocks: listBlocks(buckets, 700), ...chunks };
    const width = listShape(dims)[1];
    const before = ids.map((row) => [...writeLists(row.slice(0, -1), dims)]);
    const { lists, window } = await run([call(decodeInsert, dims)], {
      newIds: Uint32Array.from(ids, (row) => row[position] as number),
      lists: Uint32Array.from(before.flat()),
      control: controlAt(position),
    });
    return {
      lists: {
        actual: ids.flatMap((_, r) =>
          readLists(lists?.subarray(r * width, (r + 1) * width) as Uint32Array, dims).flat(),
        ),
        expected: ids.flatMap((row) => tokensByBucket(row, buckets).flat()),
        bound: EXACT,
      },
      window: { actual: window, expected: ids.flatMap((row) => decodeWindow(row, dims)), bound: EXACT },
    };
  },
};

const attending: Check = {
  family: "decode-attention",
  what: "a token to two rounds of LSH",
  async compare(run) {
    const position = 38;
    const d: DecodeAttentionDims = {
      rows: 3,
      capacity: 40,
      headSize: 12,
      rounds: 2,
      chunkLength: 8,
      chunksBefore: 1,
      chunksAfter: 0,
      fullBelow: 0,
      sorted: true,
      shared: true,
      duplicates: "count",
      acrossBuckets: true,
      shortened: false,
    };
    const drawn = drawIds(d.rows * d.rounds, position + 1, 4);
    const inCaches = (rows: readonly (readonly number[])[]) =>
      rows.flatMap((row) => [...row, ...Array(d.capacity - row.length).fill(0)]);
    const [ids, order] = [inCaches(drawn), inCaches(drawn.map((row) => insertOracle(row).order))];
    const [q, k, v] = [normals(36, 1), normals(3 * 40 * 12, 2), normals(3 * 40 * 12, 3)];
    const { out } = await run([call(decodeAttention, d)], {
      ...{ q, k, v },
      window: Uint32Array.from(drawn.flatMap((row) => decodeWindow(row, d))),
      control: controlAt(position),
    });
    const arrays = { q, k, v, order, ids };
    const { out: expected, sizes } = decodeOracle(d, arrays, position);
    const keys = Math.max(...[0, 1, 2].map((row) => decodeKeys(d, arrays, row, position).length));
    const peak = v.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
    return {
      out: {
        actual: out,
        expected,
        bound: {
          why: "logits (D + 6)·u·|q||k|/√D, exp 3 + 2|s| ulp, sums over the keys twice",
          at: (i) => {
            const size = sizes[Math.floor(i / d.headSize)] as number;
            return U32 * peak * 2 * ((d.headSize + 6) * size + 11 + 4 * size + 2 * keys);
          },
        },
      },
    };
  },
};

const SEED = 2 ** 40 + 5;
/** The place in the model that draws tokens. */
const SITE = 0xffff_ffff;

const sampling: Check = {
  family: "sampling",
  what: "top-p of 77 tokens",
  async compare(run) {
    const [batch, vocab, draw, length] = [24, 77, 7, 70];
    const options = { temperature: 0.8, topK: 20, topP: 0.9, repetitionPenalty: 2 };
    const logits = normals(batch * vocab, 1, 2);
    const random = new Random(2);
    const ids = Uint32Array.from({ length: batch * length }, () => random.below(vocab));
    const control = new Uint32Array(16);
    control.set([...randomKey(SEED), draw]);
    control[10] = options.topK;
    const floats = new Float32Array(control.buffer);
    floats[9] = options.temperature;
    floats[11] = options.topP;
    floats[12] = options.repetitionPenalty;
    const { tokens } = await run(
      [call(markSeen, { batch, length, vocab }), call(sampleToken, { batch, vocab })],
      { ids, logits, control, seen: new Uint32Array(batch * Math.ceil(vocab / 32)) },
    );
    const key = threefry2x32(randomKey(SEED), [draw, SITE]);
    // A token is right if the draw falls into its share, whose ends are off by exp's 3 + 2|x| ulp, the exponent's
    // roundings and the longest path of a sum; where the cut by topP is closer than that, any token may be.
    const rows = Array.from({ length: batch }, (_, row) => {
      const prompt = new Set(ids.subarray(row * length, (row + 1) * length));
      const { shares, margin } = tokenShares(
        logits.subarray(row * vocab, (row + 1) * vocab),
        prompt,
        options,
      );
      const top = Math.max(...shares);
      const away = shares.reduce((sum, share) => sum + (share ? share * Math.log(top / share) : 0), 0);
      const noise = U32 * (6 + 10 * away + 2 * (1 + vocab) + 8);
      const token = tokens?.[row] ?? Number.NaN;
      const below = shares.subarray(0, token).reduce((sum, share) => sum + share, 0);
      const share = shares[token] || Number.NaN;
      const drawn = uniformOf(threefry2x32(key, [row, 0])[0]);
      return {
        drawn,
        nearest: Math.min(Math.max(drawn, below), below + share),
        noise: margin < noise ? Infinity : noise,
      };
    });
    return {
      tokens: {
        actual: rows.map(({ nearest }) => nearest),
        expected: rows.map(({ drawn }) => drawn),
        bound: { why: "ends of a token's share in f32", at: (i) => rows[i]?.noise as number },
      },
    };
  },
};

export const DECODING_CHECKS: readonly Check[] = [appending, inserting, attending, sampling];
