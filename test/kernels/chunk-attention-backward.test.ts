import { describe, expect, test } from "vitest";
import { attentionDelta } from "../../src/kernels/attention-delta.js";
import { chunkAttention, chunkAttentionHalf, needsPlaces } from "../../src/kernels/chunk-attention.js";
import {
  chunkAttentionDk,
  chunkAttentionDkHalf,
  chunkAttentionDq,
  chunkAttentionDqHalf,
  chunkAttentionDv,
  chunkAttentionDvHalf,
  chunkAttentionGradients,
  chunkAttentionGradientsHalf,
  isJoint,
} from "../../src/kernels/chunk-attention-backward.js";
import { chunkPlaces } from "../../src/kernels/chunk-places.js";
import { keyScale, keyScaleHalf } from "../../src/kernels/key-scale.js";
import { type AttentionArrays, chunkAttention as forwardOracle } from "../oracle/chunk-attention.js";
import { chunkAttentionBackward as oracle } from "../oracle/chunk-attention-backward.js";
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
import { call, runKernels, type TypedArray } from "../support/run-kernel.js";

const KERNELS = {
  f32: {
    scale: keyScale,
    attention: chunkAttention,
    dq: chunkAttentionDq,
    dk: chunkAttentionDk,
    dv: chunkAttentionDv,
    joint: chunkAttentionGradients,
  },
  half: {
    scale: keyScaleHalf,
    attention: chunkAttentionHalf,
    dq: chunkAttentionDqHalf,
    dk: chunkAttentionDkHalf,
    dv: chunkAttentionDvHalf,
    joint: chunkAttentionGradientsHalf,
  },
};

/** Numbers of chunks with one owner besides 1: most cases have rounds of which these are no divisors, or which are shorter. */
const RUNS = [3, 8] as const;

/** All gradients at once, as "dq joint" and "dkv joint", where they can be taken so; after the forward pass. */
function jointPasses(
  { dims }: AttentionCaseInput,
  suffix = "",
  storage: keyof typeof KERNELS = "f32",
  owned = 1,
) {
  if (!isJoint(dims)) return [];
  const order = needsPlaces(dims) ? "places" : "order";
  return Array.from({ length: dims.rounds }, (_, round) =>
    call(
      KERNELS[storage].joint,
      { ...dims, round, accumulate: round > 0, chunksOwned: owned },
      { keys: dims.sorted ? order : "k words", dq: `dq joint${suffix}`, dkv: `dkv joint${suffix}` },
    ),
  );
}

/** Forward and backward passes of a case, gradients apart and at once. Gradients of shared keys are added to dq. */
function passes(input: AttentionCaseInput, suffix = "", storage: keyof typeof KERNELS = "f32") {
  const { dims, buckets } = input;
  const { scale, attention, dq, dk, dv } = KERNELS[storage];
  const order = needsPlaces(dims) ? "places" : "order";
  const gradients = [
    [dq, "dq", false],
    [dk, dims.shared ? "dq" : "dk", dims.shared],
    [dv, "dv", false],
  ] as const;
  const rounds = Array.from({ length: dims.rounds }, (_, round) => round);
  return [
    call(scale, dims, { k: "q" }),
    ...(needsPlaces(dims) ? [call(chunkPlaces, { ...dims, buckets })] : []),
    ...rounds.map((round) => call(attention, { ...dims, round }, { order })),
    call(attentionDelta, dims),
    ...gradients.flatMap(([kernel, name, begun]) =>
      rounds.map((round) =>
        call(kernel, { ...dims, round, accumulate: begun || round > 0 }, { order, gradient: name + suffix }),
      ),
    ),
    ...jointPasses(input, suffix, storage),
  ];
}

/** The joint gradients by the names of the ones taken apart. */
function jointGradients({ dims }: AttentionCaseInput, results: Readonly<Record<string, TypedArray>>) {
  const [dq, dkv] = [results["dq joint"], results["dkv joint"]] as [Float32Array, Float32Array];
  if (dims.shared) return { dq, dv: dkv };
  return { dq, dk: dkv.subarray(0, dq.length), dv: dkv.subarray(dq.length) };
}

/** Every branch of the backward kernels; the other cases differ in the forward pass only. */
const CASES = ATTENTION_CASES.filter(
  ([why]) =>
    !["causal full attention with shared keys and padding", "every copy of a key counted once"].includes(why),
);

const FORMS = chunkAttentionDq.variants.map(({ name }) => name);

describe.each(FORMS)(
  "%s form: chunkAttentionDq, Dk, Dv and chunkAttentionGradients are the gradients of chunkAttention",
  (form) => {
    const variants = Object.fromEntries(
      [KERNELS.f32, KERNELS.half].flatMap((kernels) =>
        Object.values(kernels).map(({ name }) => [name, form]),
      ),
    );
    /** Checks all gradients, taken apart and at once. */
    const check = (input: AttentionCaseInput, results: Readonly<Record<string, TypedArray>>, stored = 0) => {
      const { dims } = input;
      const dOut = input.values.dOut as Float32Array;
      const expected = oracle(dims, input.arrays, dOut);
      const bounds = attentionBounds(input, forwardOracle(dims, input.arrays), dOut, 8, stored);
      const joint: Partial<Record<string, Float32Array>> = isJoint(dims)
        ? jointGradients(input, results)
        : {};
      for (const name of ["dq", "dk", "dv"] as const) {
        const gradient = expected[name];
        if (!gradient) continue;
        expectClose(results[name] as Float32Array, gradient, bounds[name], name);
        if (joint[name]) expectClose(joint[name], gradient, bounds[name], `joint ${name}`);
      }
    };
    const valuesOf = ({ values }: AttentionCaseInput) => ({
      ...values,
      ...(values.k && { "k words": new Uint32Array(values.k.buffer) }),
    });
    test.each(CASES)("%s", async (_, dims) => {
      const input = attentionInput(dims);
      const calls = [
        ...passes(input),
        ...passes(input, " again"),
        ...RUNS.flatMap((owned) => jointPasses(input, ` in runs of ${owned}`, "f32", owned)),
      ];
      const results = await runKernels(calls, valuesOf(input), { variants });
      check(input, results);
      for (const name of ["dq", "dk", "dv", "dq joint", "dkv joint"])
        expect(results[`${name} again`], `a second run of ${name} differs`).toEqual(results[name]);
      for (const runs of RUNS.map((owned) => ` in runs of ${owned}`)) {
        for (const name of ["dq joint", "dkv joint"])
          expect(results[name + runs], `${name} differs${runs}`).toEqual(results[name]);
      }
    });

    test.each(HALF_CASES)("in f32 of what is stored as halves: %s", async (_, dims) => {
      const exact = attentionInput(dims);
      const input = inHalves(exact);
      const results = await runKernels(passes(input, "", "half"), valuesOf(input), { variants });
      check(input, results);
      check(exact, results, HALF_ROUNDING);
    });
  },
);

/** One group's part of a tensor [batch, heads, …]. */
function groupPart<T extends TypedArray>(all: T, batch: number, groups: number, group: number): T {
  const width = all.length / (batch * groups);
  const part = all.slice(0, batch * width);
  for (let i = 0; i < batch; i++) {
    const from = (i * groups + group) * width;
    part.set(all.subarray(from, from + width), i * width);
  }
  return part as T;
}

/** Both kinds of dropout and of keys, two sequences of four heads; the second pair of heads, or the last head. */
const GROUPED = ATTENTION_CASES.filter(
  ([why, { dropout }]) => dropout !== 0 && !why.startsWith("a window longer than the ring"),
).map(([why, dims], i) => [why, { ...dims, batch: 2, heads: 4 }, i % 2 ? 3 : 1, i % 2 ? 1 : 2] as const);

describe.each(FORMS)("%s form: heads of a group, of allHeads, attend as among all of them", (form) => {
  const variants = Object.fromEntries(Object.values(KERNELS.f32).map(({ name }) => [name, form]));
  const wordsOf = (k: TypedArray | undefined) => (k ? { "k words": new Uint32Array(k.buffer) } : {});
  test.each(GROUPED)("%s", async (_, dims, group, heads) => {
    const input = attentionInput(dims);
    const all = await runKernels(
      passes(input),
      { ...input.values, ...wordsOf(input.values.k) },
      { variants },
    );
    const groups = dims.heads / heads;
    const part = (values: TypedArray) => groupPart(values, dims.batch, groups, group);
    const values = Object.fromEntries(
      Object.entries(input.values).map(([name, value]) => {
        const ofHeads = ["q", "k", "v", "order", "dOut"].includes(name);
        return [name, ofHeads ? part(value) : value];
      }),
    );
    const own = { ...dims, heads, allHeads: dims.heads, firstHead: group * heads };
    const grouped = await runKernels(
      passes({ ...input, dims: own }),
      { ...values, ...wordsOf(values.k) },
      { variants },
    );
    for (const name of ["out", "dq", "dk", "dv"]) {
      const expected = all[name];
      if (expected) expect(grouped[name], `${name} of heads ${group * heads} on`).toEqual(part(expected));
    }
    if (!isJoint(dims)) return;
    const joint = jointGradients(input, all);
    const jointPart = jointGradients({ ...input, dims: own }, grouped);
    for (const name of ["dq", "dv"] as const)
      expect(jointPart[name], `joint ${name} of heads ${group * heads} on`).toEqual(part(joint[name]));
  });
});

// Central differences of step h err by h²/6 of the third derivative and by rounding 2^-52/h; both are about 1e-9 here.
describe("the oracle of the gradients agrees with differences of the forward oracle", () => {
  test.each(ATTENTION_CASES.filter(([, { length }]) => length <= 40))("%s", (_, dims) => {
    const input = attentionInput(dims);
    const dOut = input.values.dOut as Float32Array;
    const gradients = oracle(dims, input.arrays, dOut);
    const loss = (arrays: AttentionArrays) =>
      forwardOracle(dims, arrays).reduce((sum, x, i) => sum + x * (dOut[i] as number), 0);
    const h = 1e-5;
    for (const [source, gradient] of [
      ["q", gradients.dq],
      ["k", gradients.dk],
      ["v", gradients.dv],
    ] as const) {
      if (!gradient) continue;
      const values = input.arrays[source] as Float32Array;
      for (const i of [0, 1, 2].map((part) => Math.floor(((part + 0.4) / 3) * values.length))) {
        const [above, below] = [h, -h].map((step) => {
          const moved = Float64Array.from(values);
          moved[i] = (moved[i] as number) + step;
          return loss({ ...input.arrays, [source]: moved });
        }) as [number, number];
        expect(Math.abs((above - below) / (2 * h) - (gradient[i] as number)), `${source}[${i}]`).toBeLessThan(
          1e-7,
        );
      }
    }
  });
});
