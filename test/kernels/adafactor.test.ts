import { describe, expect, test } from "vitest";
import { ADAFACTOR_STAGES, type AdafactorDims } from "../../src/kernels/adafactor.js";
import { FAULT, STATE } from "../../src/kernels/global-norm.js";
import { Random } from "../../src/random.js";
import * as oracle from "../oracle/adafactor.js";
import { expectClose, U32 } from "../support/close.js";
import { call, runKernels } from "../support/run-kernel.js";

const HYPER = {
  decayExponent: 0.8,
  epsilon1: 1e-30,
  epsilon2: 1e-3,
  clipThreshold: 1,
  weightDecay: 0.01,
  scaleByParameter: true,
};
const CLIP = 0.5; // exact in f32, so the oracle may take clipped gradients

function inputs(rows: number, columns: number, step: number, fault: number = FAULT.none) {
  const random = new Random(rows, columns);
  const normals = (length: number, scale: number) =>
    Float32Array.from({ length }, () => scale * random.normal());
  const control = new Uint32Array(16);
  new Float32Array(control.buffer)[3] = 0.03125;
  control[7] = step;
  const state = new Float32Array(STATE.words);
  state[STATE.clip] = CLIP;
  state[STATE.fault] = fault;
  const old = step > 1 ? 0.05 : 0; // mean squares before the first step are 0
  const count = rows * columns;
  return {
    control,
    state,
    parameters: normals(count, 0.1),
    // Rows of different size, and a row and a column of zeros where there are several.
    gradients: normals(count, 0.3).map((g, k) => {
      const [i, j] = [Math.floor(k / columns), k % columns];
      return (rows > 1 && i === 2) || j === 3 ? 0 : g * (1 + (i % 4));
    }),
    rowMoments: normals(rows, old).map(Math.abs),
    columnMoments: normals(columns, old).map(Math.abs),
  };
}

/** Relative errors of the moments and of the update, from the operations in the order of the shader. */
function errors(rows: number, columns: number, step: number) {
  const exponent = HYPER.decayExponent * Math.log2(step);
  // pow is exp2 (3 + 2|x| ULP) of a product with log2 (3 ULP, or 2^-21 near 1).
  const pow = 2 * (3 + 2 * exponent) + Math.LN2 * (6 * exponent + 8);
  const moment = 2 * pow + 15; // clip, square, mean, ε1, 1 - φ, two products, sum; φ's error weighs at most 1.35 for t ≥ 2
  const row = moment + columns / 256 + 9;
  const column = moment + 128 + rows / 128;
  // u: half of both moments', two inverse roots and two products; its root mean square: a sum of 64 + 8 + 8 terms more;
  // the mean of R: a sum, half of it; roots 9, divisions 5, the factors 10.
  const update = row + column + 10 + (row + column + 10 + 80 + rows / 256 + 8) + row + 40;
  return { row: row * U32, column: column * U32, update: update * U32 };
}

type Case = [why: string, rows: number, columns: number, step: number, hyper: Partial<typeof HYPER>];
const CASES: Case[] = [
  ["the first step", 37, 70, 1, {}],
  ["a later step", 37, 70, 20, {}],
  ["rows beyond one partial sum, several blocks of elements", 300, 65, 20, {}],
  ["columns beyond the workgroup", 5, 300, 3, {}],
  ["one column", 70, 1, 3, {}],
  ["updates that are not clipped", 37, 70, 20, { clipThreshold: 100 }],
  ["an absolute learning rate", 37, 70, 20, { scaleByParameter: false, weightDecay: 0 }],
  ["parameters below epsilon2", 37, 70, 20, { epsilon2: 1 }],
];

const chain = (dims: AdafactorDims, names: Record<string, string> = {}) =>
  ADAFACTOR_STAGES.map((kernel) => call(kernel, dims, names));

describe.each(CASES)("adafactor with %s", (_, rows, columns, step, hyper) => {
  const dims = { rows, columns, ...HYPER, ...hyper };
  const given = inputs(rows, columns, step);
  const clipped = given.gradients.map((g) => g * CLIP);
  const options = { ...dims, learningRate: 0.03125, step };
  const expected = oracle.adafactorMatrix({ ...given, gradients: clipped }, options);
  const error = errors(rows, columns, step);

  test("gives the oracle's parameters and moments, the same bits every time", async () => {
    const names = { parameters: "parameters2", rowMoments: "rowMoments2", columnMoments: "columnMoments2" };
    const copies = Object.fromEntries(
      Object.entries(names).map(([name, copy]) => [copy, given[name as keyof typeof names]]),
    );
    const after = await runKernels([...chain(dims), ...chain(dims, names)], { ...given, ...copies });
    const relative = (bound: number, scale: readonly number[]) => ({
      why: "pow, a mean of squares and a moving average",
      at: (i: number) => bound * scale[i]!,
    });
    expectClose(after.rowMoments!, expected.rowMoments, relative(error.row, expected.rowMoments), "rows");
    expectClose(
      after.columnMoments!,
      expected.columnMoments,
      relative(error.column, expected.columnMoments),
      "columns",
    );
    const parameters = {
      why: "the update's moments, roots and sums, and two roundings of the parameter",
      at: (i: number) => {
        const change = Math.abs(expected.parameters[i]! - given.parameters[i]!);
        return (
          error.update * (change + Math.abs(dims.weightDecay * given.parameters[i]!)) +
          3 * U32 * Math.abs(given.parameters[i]!)
        );
      },
    };
    expectClose(after.parameters!, expected.parameters, parameters, "parameters");
    for (const [name, copy] of Object.entries(names)) expect(after[copy]).toEqual(after[name]);
  });
});

test("adafactor of a one-row matrix is the unfactored rule", async () => {
  const columns = 130;
  const dims = { rows: 1, columns, ...HYPER };
  const given = { ...inputs(1, columns, 20) };
  // The row's moment is the mean of the columns' in every step, as the rule keeps it.
  given.rowMoments[0] = given.columnMoments.reduce((sum, c) => sum + c, 0) / columns;
  const after = await runKernels(chain(dims), given);
  const clipped = given.gradients.map((g) => g * CLIP);
  const expected = oracle.adafactorVector(
    { parameters: given.parameters, gradients: clipped, moments: given.columnMoments },
    { ...dims, learningRate: 0.03125, step: 20 },
  );
  const error = errors(1, columns, 20);
  const change = (i: number) => Math.abs(expected.parameters[i]! - given.parameters[i]!);
  const why = "the update's moments, roots and sums, and three roundings";
  const at = (i: number) => error.update * (change(i) + 1e-4) + 3 * U32 * Math.abs(given.parameters[i]!);
  expectClose(after.parameters!, expected.parameters, { why, at }, "parameters");
  const moments = { why: "pow and a moving average", at: (i: number) => error.column * expected.moments[i]! };
  expectClose(after.columnMoments!, expected.moments, moments, "moments");
});

test("adafactor with a fault changes nothing", async () => {
  const dims = { rows: 37, columns: 70, ...HYPER };
  const given = inputs(37, 70, 20, FAULT.nonFinite);
  const after = await runKernels(chain(dims), given);
  for (const name of ["parameters", "rowMoments", "columnMoments"] as const) {
    expect(after[name]).toEqual(given[name]);
  }
});
