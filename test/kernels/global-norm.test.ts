import { describe, expect, test } from "vitest";
import {
  F32_STATUS_LIMIT,
  FAULT,
  FIXED_POINT_STATUS_LIMIT,
  globalNorm,
  STATE,
  squareSums,
  squareSumsPartials,
} from "../../src/kernels/global-norm.js";
import { Random } from "../../src/random.js";
import * as oracle from "../oracle/global-norm.js";
import { expectClose, U32, within } from "../support/close.js";
import { call, runKernels } from "../support/run-kernel.js";

const RING = { slots: 3, columns: 4, column: 1 };
const STEP = 5; // row 2 of the ring

interface Gradients {
  readonly gradients: Float32Array;
  readonly blockFlags: Uint32Array;
}

/** Gradients of which every fifth block of 64 is frozen. */
function gradientsOf(count: number, scale = 1): Gradients {
  const random = new Random(count);
  return {
    gradients: Float32Array.from({ length: count }, () => scale * random.normal()),
    blockFlags: Uint32Array.from({ length: Math.ceil(count / 64) }, (_, i) => (i % 5 === 4 ? 1 : 3)),
  };
}

async function norm(
  buffers: readonly Gradients[],
  options: {
    maxNorm?: number;
    status?: Uint32Array;
    statusLimit?: number;
    /** State before the step where the loss is scaled: its exponent and the good steps so far. */
    scaled?: { exponent: number; goodSteps: number };
  } = {},
) {
  const { maxNorm = 1, status, statusLimit = FIXED_POINT_STATUS_LIMIT, scaled } = options;
  const counts = buffers.map(({ gradients }) => gradients.length);
  const firsts = counts.map((_, i) => counts.slice(0, i).reduce((sum, n) => sum + squareSumsPartials(n), 0));
  const partials = counts.reduce((sum, n) => sum + squareSumsPartials(n), 0);
  const control = new Uint32Array(16);
  control[7] = STEP;
  const state = new Float32Array(STATE.words);
  if (scaled) {
    new Float32Array(control.buffer)[13] = state[STATE.lossExponent] = scaled.exponent;
    state[STATE.goodSteps] = scaled.goodSteps;
  }
  const values = Object.fromEntries(
    buffers.flatMap(({ gradients, blockFlags }, i) => [
      [`gradients${i}`, gradients],
      [`blockFlags${i}`, blockFlags],
    ]),
  );
  const results = new Float32Array(RING.slots * RING.columns).fill(-1);
  const after = await runKernels(
    [
      ...counts.map((count, i) =>
        call(
          squareSums,
          { count, first: firsts[i]!, partials },
          { gradients: `gradients${i}`, blockFlags: `blockFlags${i}` },
        ),
      ),
      call(globalNorm, {
        count: partials,
        first: 0,
        partials,
        maxNorm,
        scaled: scaled !== undefined,
        statusLimit,
        ...RING,
      }),
    ],
    { ...values, control, results, ...(status && { status }), ...(scaled && { state }) },
  );
  return { state: after.state as Float32Array, ring: after.results as Float32Array };
}

// Sums of positive terms: 64 in a line, 8 in the tree, partials in a line, 8 in the tree, each square, halved by the
// root; the root 9 (WGSL: through inverseSqrt 2 ULP and a division 2.5 ULP); for clip the addition and a division.
const relative = (64 + 8 + 1 + 8 + 1) / 2 + 9 + 1 + 5;
const close = (actual: number, expected: number) =>
  expectClose([actual], [expected], within(relative * U32 * expected, "two-stage f32 sum, sqrt, division"));

const CASES: [why: string, counts: number[], scale: number, maxNorm: number][] = [
  ["a single gradient", [1], 1, 1],
  ["fewer gradients than a workgroup", [77], 3, 1],
  ["several workgroups and a partial one", [40_000], 1, 1],
  ["several buffers", [16_384, 130, 20_001], 1, 1],
  ["a norm below the limit", [1000], 1e-3, 1],
  ["gradients so small that the formula's 1e-6 counts", [1000], 1e-5, 1e-5],
  ["no clipping", [1000], 5, 0],
  ["large gradients", [1000], 1e15, 1],
];

test.each(CASES)(
  "globalNorm() of %s is the oracle's, the same bits every time",
  async (_, counts, scale, maxNorm) => {
    const buffers = counts.map((count) => gradientsOf(count, scale));
    const truth = oracle.globalNorm(buffers, maxNorm);
    const { state, ring } = await norm(buffers, { maxNorm });
    close(state[STATE.norm]!, truth.norm);
    close(state[STATE.clip]!, truth.clip);
    expect(state[STATE.fault]).toBe(FAULT.none);
    expect([...state.subarray(3)]).toEqual([0, 0, 0, 0, 0]);
    expect([...ring]).toEqual(
      [...new Float32Array(12).fill(-1)].with(9, state[STATE.norm]!).with(10, FAULT.none),
    );
    expect((await norm(buffers, { maxNorm })).state).toEqual(state);
  },
);

describe("globalNorm() reports a fault", () => {
  const huge = (value: number, at: number) => {
    const buffer = gradientsOf(20_000);
    buffer.gradients[at] = value;
    return buffer;
  };

  test.each([
    ["NaN", NaN],
    ["infinite", Infinity],
    ["minus infinite", -Infinity],
    ["too large to square", 3e19],
  ])("where a gradient is %s", async (_, value) => {
    const { state, ring } = await norm([gradientsOf(100), huge(value, 17_777)], { maxNorm: 1 });
    expect(state[STATE.fault]).toBe(FAULT.nonFinite);
    expect(ring[10]).toBe(FAULT.nonFinite);
  });

  test("but not for a gradient of a frozen block", async () => {
    const { state } = await norm([huge(NaN, 4 * 64)]);
    expect(state[STATE.fault]).toBe(FAULT.none);
  });

  test.each([
    ["fixed point", FIXED_POINT_STATUS_LIMIT, FIXED_POINT_STATUS_LIMIT],
    ["f32", F32_STATUS_LIMIT, new Uint32Array(new Float32Array([Infinity]).buffer)[0]!],
  ])("where a stream overflows (%s), and only then", async (_, statusLimit, overflow) => {
    const status = new Uint32Array(64);
    status[63] = overflow - 1;
    expect((await norm([gradientsOf(100)], { status, statusLimit })).state[STATE.fault]).toBe(FAULT.none);
    status[63] = overflow;
    expect((await norm([gradientsOf(100)], { status, statusLimit })).state[STATE.fault]).toBe(FAULT.overflow);
  });
});

describe("globalNorm() of a scaled loss", () => {
  const exponent = 10;

  test("undoes the scale, in the norm before it clips", async () => {
    const buffer = gradientsOf(20_000);
    const { gradients } = buffer;
    const plain = (await norm([buffer], { maxNorm: 1 })).state;
    const larger = { ...buffer, gradients: gradients.map((g) => g * 2 ** exponent) };
    const { state, ring } = await norm([larger], { maxNorm: 1, scaled: { exponent, goodSteps: 0 } });
    // A power of two changes no rounding.
    expect(state[STATE.norm]).toBe(plain[STATE.norm]);
    expect(state[STATE.clip]).toBe(plain[STATE.clip]! * 2 ** -exponent);
    expect([ring[9], ring[10]]).toEqual([plain[STATE.norm], FAULT.none]);
  });

  const next = async (exponent: number, goodSteps: number, value = 1) => {
    const buffer = gradientsOf(100);
    buffer.gradients[7] = value;
    const { state } = await norm([buffer], { scaled: { exponent, goodSteps } });
    return [state[STATE.lossExponent], state[STATE.goodSteps], state[STATE.fault]];
  };

  test.each([
    ["counts a good step", [10, 5, 1], [10, 6, FAULT.none]],
    ["doubles it after 1,000 good steps", [10, 999, 1], [11, 0, FAULT.none]],
    ["up to 2^24", [24, 999, 1], [24, 0, FAULT.none]],
    ["halves it after an infinite gradient", [10, 999, Infinity], [9, 0, FAULT.nonFinite]],
    ["down to 1", [0, 3, Number.NaN], [0, 0, FAULT.nonFinite]],
  ] as const)("%s", async (_, [exponent, goodSteps, value], expected) => {
    expect(await next(exponent, goodSteps, value)).toEqual(expected);
  });

  test("leaves it where a stream overflowed, which has nothing to do with it", async () => {
    const status = new Uint32Array(64).fill(FIXED_POINT_STATUS_LIMIT, 3, 4);
    const { state } = await norm([gradientsOf(100)], { status, scaled: { exponent, goodSteps: 7 } });
    expect([...state.subarray(STATE.fault, STATE.goodSteps + 1)]).toEqual([FAULT.overflow, exponent, 7]);
  });
});
