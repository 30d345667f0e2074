import { describe, expect, test } from "vitest";
import { adamw, BLOCK_FLAGS } from "../../src/kernels/adamw.js";
import { FAULT, STATE } from "../../src/kernels/global-norm.js";
import { Random } from "../../src/random.js";
import * as oracle from "../oracle/adamw.js";
import { expectClose, U32 } from "../support/close.js";
import { call, runKernels } from "../support/run-kernel.js";

const HYPER = { beta1: 0.9, beta2: 0.999, eps: 1e-3, weightDecay: 0.01 };
const { decayed, trainable } = BLOCK_FLAGS;

function controlWith(learningRate: number, step: number): Uint32Array {
  const control = new Uint32Array(16);
  control[7] = step;
  const floats = new Float32Array(control.buffer);
  floats[3] = learningRate;
  floats[5] = 1 - HYPER.beta1 ** step;
  floats[6] = 1 - HYPER.beta2 ** step;
  return control;
}

function stateWith(clip: number, fault: number = FAULT.none): Float32Array {
  const state = new Float32Array(STATE.words);
  state[STATE.clip] = clip;
  state[STATE.fault] = fault;
  return state;
}

/** Random parameters, gradients and moments; the flags of the blocks repeat decayed, plain, frozen. */
function inputs(count: number, fresh: boolean) {
  const random = new Random(count);
  const normals = (scale: number) => Float32Array.from({ length: count }, () => scale * random.normal());
  return {
    parameters: normals(1),
    gradients: normals(0.3).map((g, i) => (i % 7 === 3 ? 0 : g)),
    moments: fresh ? new Float32Array(count) : normals(0.1),
    variances: fresh ? new Float32Array(count) : normals(0.1).map((x) => x * x),
    blockFlags: Uint32Array.from(
      { length: Math.ceil(count / 64) },
      (_, i) => [decayed | trainable, trainable, decayed][i % 3]!,
    ),
  };
}

const CASES: [why: string, count: number, step: number, learningRate: number, clip: number][] = [
  ["the first step", 200, 1, 0.01, 1],
  ["a later step", 1000, 20, 3e-4, 1],
  ["clipped gradients", 1000, 20, 3e-4, 0.0625],
  ["a learning rate of 0", 65, 2, 0, 1],
];

describe.each(CASES)("adamw of %s", (_, count, step, learningRate, clip) => {
  const before = inputs(count, step === 1);
  const values = { ...before, control: controlWith(learningRate, step), state: stateWith(clip) };
  const expected = {
    parameters: new Float64Array(count),
    moments: new Float64Array(count),
    variances: new Float64Array(count),
  };
  const bounds = {
    parameters: new Float64Array(count),
    moments: new Float64Array(count),
    variances: new Float64Array(count),
  };
  for (let i = 0; i < count; i++) {
    const flags = before.blockFlags[Math.floor(i / 64)]!;
    const old = { p: before.parameters[i]!, m: before.moments[i]!, v: before.variances[i]! };
    const g = before.gradients[i]! * clip;
    const weightDecay = flags & decayed ? HYPER.weightDecay : 0;
    const hyper = { ...HYPER, weightDecay, learningRate: Math.fround(learningRate), step };
    const next = flags & trainable ? oracle.adamw({ ...old, g }, hyper) : { ...old, denominator: 1 };
    expected.parameters[i] = next.p;
    expected.moments[i] = next.m;
    expected.variances[i] = next.v;
    // m: the rounding of two constants, two products, a sum. v: one product more. Below 2^-126 f32 flushes to 0.
    const terms = Math.abs(HYPER.beta1 * old.m) + Math.abs((1 - HYPER.beta1) * g);
    bounds.moments[i] = 4 * U32 * terms + 2 ** -126;
    bounds.variances[i] = 5 * U32 * next.v + 2 ** -126;
    // p: m's error and 5/2 of v's under the root; two roots of 9, three divisions of 5, the constants and the sum of the
    // denominator 4, the product 1; then decay and the sum, two roundings of p.
    const stepSize = learningRate / (1 - HYPER.beta1 ** step);
    const update = (stepSize * Math.abs(next.m)) / next.denominator;
    bounds.parameters[i] =
      U32 * (3 * Math.abs(old.p) + (5 / 2 + 18 + 15 + 4 + 1) * update) +
      (stepSize * bounds.moments[i]!) / next.denominator;
  }

  test("gives the oracle's parameters and moments, the same bits every time", async () => {
    const dims = { count, ...HYPER };
    const again = { parameters: "parameters2", moments: "moments2", variances: "variances2" };
    const copies = { parameters2: before.parameters, moments2: before.moments, variances2: before.variances };
    const after = await runKernels([call(adamw, dims), call(adamw, dims, again)], { ...values, ...copies });
    for (const name of ["moments", "variances", "parameters"] as const) {
      const bound = { why: "roundings of the update's operations", at: (i: number) => bounds[name][i]! };
      expectClose(after[name]!, expected[name], bound, name);
      expect(after[`${name}2`]).toEqual(after[name]);
    }
  });

  test("leaves frozen blocks, and with a fault everything, to the bit", async () => {
    const after = await runKernels([call(adamw, { count, ...HYPER })], values);
    const frozen = (array: ArrayLike<number>) =>
      Array.from(array).filter((_, i) => Math.floor(i / 64) % 3 === 2);
    const faulty = { ...values, state: stateWith(clip, FAULT.nonFinite) };
    const unchanged = await runKernels([call(adamw, { count, ...HYPER })], faulty);
    for (const name of ["parameters", "moments", "variances"] as const) {
      expect(frozen(after[name]!)).toEqual(frozen(before[name]));
      expect(unchanged[name]).toEqual(before[name]);
    }
  });
});
