import { describe, expect, test } from "vitest";
import {
  chunkAttention,
  chunkAttentionHalf,
  needsPlaces,
  oneChunk,
} from "../../src/kernels/chunk-attention.js";
import { chunkPlaces } from "../../src/kernels/chunk-places.js";
import { keyScale, keyScaleHalf } from "../../src/kernels/key-scale.js";
import { attentionPairs, chunkAttention as oracle } from "../oracle/chunk-attention.js";
import {
  ATTENTION_CASES,
  type AttentionCaseInput,
  attentionBounds,
  attentionInput,
  HALF_CASES,
  HALF_ROUNDING,
  inHalves,
} from "../support/attention-cases.js";
import { expectClose } from "../support/close.js";
import { call, runKernels } from "../support/run-kernel.js";

const KERNELS = {
  f32: { scale: keyScale, attention: chunkAttention },
  half: { scale: keyScaleHalf, attention: chunkAttentionHalf },
};

/** All rounds of a case, into `out` and `stats` with a suffix. */
function forward({ dims, buckets }: AttentionCaseInput, suffix = "", storage: keyof typeof KERNELS = "f32") {
  const { scale, attention } = KERNELS[storage];
  const order = needsPlaces(dims) ? "places" : "order";
  const outputs = { order, out: `out${suffix}`, stats: `stats${suffix}` };
  return [
    call(scale, dims, { k: "q" }),
    ...(needsPlaces(dims) ? [call(chunkPlaces, { ...dims, buckets })] : []),
    ...Array.from({ length: dims.rounds }, (_, round) => call(attention, { ...dims, round }, outputs)),
  ];
}

const FORMS = chunkAttention.variants.map(({ name }) => name);

describe.each(FORMS)("%s form: chunkAttention(q, k, v, order) is one softmax over every key met", (form) => {
  test.each(ATTENTION_CASES)("%s", async (_, dims) => {
    const input = attentionInput(dims);
    const variants = { [chunkAttention.name]: form };
    const results = await runKernels([...forward(input), ...forward(input, " again")], input.values, {
      variants,
    });
    const expected = oracle(dims, input.arrays);
    const { out, logSums } = attentionBounds(input, expected, input.values.dOut as Float32Array, 8);
    expectClose(results.out as Float32Array, expected, out, "out");
    const { m, l } = attentionPairs(dims, input.arrays);
    const sums = m.map((most, row) => most / Math.LN2 + Math.log2(l[row] as number));
    const stats = results.stats as Float32Array;
    const found = sums.map(
      (_sum, row) => (stats[2 * row] as number) + Math.log2(stats[2 * row + 1] as number),
    );
    // Within buckets a row that sees itself alone may meet itself more often than is counted: all its weight is there.
    const told = (row: number) => dims.acrossBuckets || (m[row] as number) > -1e4;
    const at = (row: number) => (told(row) ? logSums.at(row) : Number.POSITIVE_INFINITY);
    expectClose(found, sums, { ...logSums, at }, "m + log2(l)");
    expect(results["out again"], "a second run differs").toEqual(results.out);
    expect(results["stats again"], "a second run differs").toEqual(results.stats);
  });

  test.each(HALF_CASES)("in f32 of what is stored as halves: %s", async (_, dims) => {
    const exact = attentionInput(dims);
    const input = inHalves(exact);
    const variants = { [chunkAttentionHalf.name]: form };
    const results = await runKernels(forward(input, "", "half"), input.values, { variants });
    for (const [{ arrays }, stored] of [
      [input, 0],
      [exact, HALF_ROUNDING],
    ] as const) {
      const expected = oracle(dims, arrays);
      const { out } = attentionBounds(
        { ...input, arrays },
        expected,
        input.values.dOut as Float32Array,
        8,
        stored,
      );
      expectClose(results.out as Float32Array, expected, out, `out, of inputs off by ${stored}`);
    }
  });
});

test("chunkAttention of equal rounds is that of one round", async () => {
  const [, one] = ATTENTION_CASES[10] as (typeof ATTENTION_CASES)[number];
  const dims = { ...one, chunksBefore: 0, rounds: 3 };
  const { values } = attentionInput({ ...one, chunksBefore: 0 });
  const { order } = values;
  const thrice = Uint32Array.from({ length: 3 * (order?.length ?? 0) }, (_, i) => {
    const row = Math.floor(i / (3 * dims.length));
    return order?.[row * dims.length + (i % dims.length)] as number;
  });
  const repeated: AttentionCaseInput = { ...attentionInput(dims), values: { ...values, order: thrice } };
  const results = await runKernels(forward(repeated), repeated.values);
  const input = attentionInput({ ...one, chunksBefore: 0 });
  const { out } = attentionBounds(input, oracle(input.dims, input.arrays), values.dOut as Float32Array);
  // three times the merges and the terms of one round
  const bound = { ...out, at: (i: number) => 3 * out.at(i) };
  expectClose(results.out as Float32Array, oracle(input.dims, input.arrays), bound, "out");
});

test("chunkAttention of equal values is that value, beyond 65,535 workgroups", async () => {
  const length = 4 * 65_540;
  const dims = {
    ...oneChunk({
      batch: 1,
      heads: 1,
      length,
      headSize: 4,
      causal: true,
      shared: true,
      masked: false,
      dropout: 0,
      dropoutRate: 0,
      site: 0,
    }),
    chunkLength: 4,
    chunksBefore: 1,
  };
  const { out } = await runKernels(forward({ dims, buckets: 1, values: {}, arrays: { q: [], v: [] } }), {
    q: new Float32Array(4 * length).fill(0.5),
    v: new Float32Array(4 * length).fill(2),
  });
  // 8 weights: their sum and the weighted sum of values round 8 times each, the quotient twice
  expect(out?.findIndex((x) => Math.abs(x - 2) > 18 * 2 ** -23)).toBe(-1);
});
