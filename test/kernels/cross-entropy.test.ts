import { describe, expect, test } from "vitest";
import {
  correctPredictions,
  crossEntropy,
  ROWS_PER_PARTIAL,
  recordLoss,
  sumLosses,
} from "../../src/kernels/cross-entropy.js";
import { Random } from "../../src/random.js";
import * as oracle from "../oracle/cross-entropy.js";
import { type Bound, expectClose, U32, within } from "../support/close.js";
import { call, runKernel, runKernels, type TypedArray } from "../support/run-kernel.js";

const LOSS_SCALE = 0.125;

function controlWith(lossScale: number, step = 1): Uint32Array {
  const control = new Uint32Array(16);
  new Float32Array(control.buffer)[4] = lossScale;
  control[7] = step;
  return control;
}

/** Relative error of the row's sum of exponentials, and the facts that the other bounds need. */
function sumError(row: Float32Array) {
  const invocations = row.length <= 1024 ? 64 : 256;
  const top = row.reduce((a, b) => Math.max(a, b));
  let sum = 0;
  let weighted = 0;
  let records = 0;
  for (let lane = 0; lane < invocations; lane++) {
    let laneRecords = 0;
    let laneTop = -Infinity;
    for (let j = lane; j < row.length; j += invocations) {
      sum += Math.exp(row[j]! - top);
      weighted += Math.exp(row[j]! - top) * (top - row[j]!);
      if (row[j]! > laneTop) laneRecords++;
      laneTop = Math.max(laneTop, row[j]!);
    }
    records = Math.max(records, laneRecords);
  }
  const terms = Math.ceil(row.length / invocations) + 8;
  const away = weighted / sum;
  // exp: 3 + 2|x| ULP each time the term is rescaled (its |x| add up to its distance from the maximum); the rounding of
  // x; the additions.
  return {
    error: U32 * (2 * (3 * (records + 1) + 2 * away) + away * (records + 1) + terms),
    top,
    sum,
    terms,
  };
}

function bounds(logits: Float32Array, targets: Int32Array, smoothing: number, scale: number) {
  const vocab = logits.length / targets.length;
  const rows = [...targets].map((target, r) => {
    const row = logits.subarray(r * vocab, (r + 1) * vocab);
    const { error, top, sum, terms } = sumError(row);
    const far = top - row.reduce((a, b) => Math.min(a, b)) + Math.abs(top);
    const log = Math.max(2 ** -21, 6 * U32 * Math.log(sum));
    const loss = error + log + U32 * (4 * (far + Math.log(vocab)) + smoothing * terms * far);
    return { row, target, error, top, sum, loss };
  });
  const losses: Bound = {
    why: "exp 3+2|x| ULP per term and rescaling, f32 sum, log max(2^-21, 3 ULP), three roundings",
    at: (r) => (rows[r]!.target < 0 ? 0 : rows[r]!.loss),
  };
  const gradients: Bound = {
    why: "probability's relative error (sum, exp, division 2.5 ULP, 3 roundings) and the subtraction",
    at: (i) => {
      const { row, error, top, sum } = rows[Math.floor(i / vocab)]!;
      const x = top - row[i % vocab]!;
      const p = Math.exp(-x) / sum;
      return scale * (p * (error + U32 * (2 * (3 + 2 * x) + x + 8)) + 3 * U32) + 2 ** -126;
    },
  };
  return { losses, gradients };
}

/** First index where two arrays differ, or -1; much faster than toEqual on large arrays. */
const firstDifference = (a: TypedArray, b: TypedArray) => a.findIndex((x, i) => !Object.is(x, b[i]));

type Case = [why: string, rows: number, vocab: number, spread: number, offset: number, smoothing: number];
const CASES: Case[] = [
  ["two columns", 3, 2, 1, 0, 0],
  ["vocabulary not a multiple of the workgroup", 37, 77, 3, 0, 0],
  ["label smoothing", 37, 77, 3, 2, 0.1],
  ["bytes", 9, 258, 2, 0, 0],
  ["more columns than the small workgroup serves", 3, 1025, 4, 0, 0.1],
  ["65,536 columns", 2, 65536, 2, 0, 0],
  ["logits of ±10,000 stay finite", 5, 77, 10000, 0, 0],
  ["a common offset of 10,000 stays finite", 5, 77, 1, 10000, 0],
];

function inputs(rows: number, vocab: number, spread: number, offset: number) {
  const random = new Random(vocab, rows);
  const logits = Float32Array.from({ length: rows * vocab }, () => offset + spread * random.normal());
  const targets = Int32Array.from({ length: rows }, (_, r) => (r % 5 === 2 ? -100 : random.below(vocab)));
  return { logits, targets };
}

describe.each(CASES)("crossEntropy with %s", (_, rows, vocab, spread, offset, labelSmoothing) => {
  const { logits, targets } = inputs(rows, vocab, spread, offset);
  const values = { logits, targets, control: controlWith(LOSS_SCALE) };
  const truth = oracle.crossEntropy(logits, targets, labelSmoothing, LOSS_SCALE);
  const bound = bounds(logits, targets, labelSmoothing, LOSS_SCALE);

  test("gives the oracle's losses and gradients, the same bits every time", async () => {
    const dims = { rows, vocab, labelSmoothing, gradient: true };
    const again = call(crossEntropy, dims, { logits: "logits2", losses: "losses2" });
    const results = await runKernels([call(crossEntropy, dims), again], { ...values, logits2: logits });
    expectClose(results.losses!, truth.losses, bound.losses, "losses");
    expectClose(results.logits!, truth.gradients, bound.gradients, "gradients");
    expect(firstDifference(results.logits2!, results.logits!)).toBe(-1);
    expect(firstDifference(results.losses2!, results.losses!)).toBe(-1);
  });
});

test("crossEntropy without gradient gives the same losses and leaves the logits alone", async () => {
  const { logits, targets } = inputs(37, 77, 3, 0);
  const dims = { rows: 37, vocab: 77, labelSmoothing: 0 };
  const results = await runKernels(
    [
      call(crossEntropy, { ...dims, gradient: false }),
      call(crossEntropy, { ...dims, gradient: true }, { logits: "gradients", losses: "losses2" }),
    ],
    { logits, gradients: logits, targets, control: controlWith(LOSS_SCALE) },
  );
  expect(results.losses).toEqual(results.losses2);
  expect(results.logits).toEqual(logits);
});

test("crossEntropy scales the gradient, not the loss, by the control's power of two, exactly", async () => {
  const { logits, targets } = inputs(37, 77, 3, 0);
  const run = (control: Uint32Array) =>
    runKernels([call(crossEntropy, { rows: 37, vocab: 77, labelSmoothing: 0.1, gradient: true })], {
      ...{ logits, targets, control },
    });
  const plain = await run(controlWith(LOSS_SCALE));
  const scaledControl = controlWith(LOSS_SCALE);
  new Float32Array(scaledControl.buffer)[13] = 16;
  const scaled = await run(scaledControl);
  expect(scaled.logits).toEqual((plain.logits as Float32Array).map((g) => g * 2 ** 16));
  expect(scaled.losses).toEqual(plain.losses);
});

test("crossEntropy gives the same on a grid folded into two dimensions, as beyond 65,535 rows", async () => {
  const { logits, targets } = inputs(37, 77, 3, 0);
  const dims = { rows: 37, vocab: 77, labelSmoothing: 0, gradient: true };
  const [plain] = crossEntropy.variants;
  const folded = { ...crossEntropy, variants: [{ ...plain, grid: () => [7, 6, 1] as const }] as const };
  const results = await runKernels(
    [call(crossEntropy, dims), call(folded, dims, { logits: "logits2", losses: "losses2" })],
    { logits, logits2: logits, targets, control: controlWith(LOSS_SCALE) },
  );
  expect(results.logits2).toEqual(results.logits);
  expect(results.losses2).toEqual(results.losses);
});

test("the oracle's gradient is the derivative of its loss", () => {
  const random = new Random(7);
  const logits = Float64Array.from({ length: 11 }, () => 2 * random.normal());
  const step = 1e-5; // central differences: error step² · third derivative (below 1) plus 1e-16 · loss / step
  const { gradient } = oracle.crossEntropyRow(logits, 4, 0.1);
  const differences = logits.map((z, j) => {
    const at = (value: number) => oracle.crossEntropyRow(logits.with(j, value), 4, 0.1).loss;
    return (at(z + step) - at(z - step)) / (2 * step);
  });
  expectClose(gradient, differences, within(step ** 2 + 1e-10, "central differences in f64"));
});

test("correctPredictions() counts the first of the largest logits, never an ignored row", async () => {
  const rows = 41;
  const vocab = 77;
  const random = new Random(3);
  // Few distinct values, so that the largest logit often occurs more than once.
  const scores = Float32Array.from({ length: rows * vocab }, () => random.below(60));
  const targets = Int32Array.from({ length: rows }, (_, r) => {
    const row = scores.subarray(r * vocab, (r + 1) * vocab);
    const top = row.reduce((a, b) => Math.max(a, b));
    return [row.indexOf(top), row.lastIndexOf(top), random.below(vocab), -100][r % 4]!;
  });
  const { correct } = await runKernel(correctPredictions, { rows, vocab }, { scores, targets });
  const truth = oracle.correctPredictions(scores, targets);
  expect([...correct!]).toEqual([...truth]);
  expect(new Set(truth)).toEqual(new Set([0, 1]));
});

describe.each([1, 4095, 3 * ROWS_PER_PARTIAL + 5])("the loss of %i rows", (rows) => {
  const random = new Random(rows);
  const terms = Float32Array.from({ length: rows }, () => 5 * random.uniform());
  const sum = terms.reduce((a, b) => a + b, 0);
  const slots = 4;
  const columns = 3;
  const before = Float32Array.from({ length: slots * columns }, (_, i) => -i);
  const values = { terms, results: before, added: before, again: before, control: controlWith(1 / rows, 6) };
  const record = (results: string, add: boolean) =>
    call(recordLoss, { rows, slots, columns, column: 2, add }, { results });
  // Each sum of n positive terms is off by n roundings at most: 16 in the line, 8 in the tree, twice; scale and product.
  const bound = within(((64 * sum) / rows + 8) * U32, "two-stage f32 sum of positive terms");

  test("is written or added to the row of step mod slots and nowhere else, the same bits every time", async () => {
    const after = await runKernels(
      [
        call(sumLosses, { rows }, { sums: "partials" }),
        record("results", false),
        record("added", true),
        record("again", true),
      ],
      values,
    );
    const at = 2 * columns + 2;
    expectClose(
      [after.results![at]!, after.added![at]!],
      [sum / rows, before[at]! + sum / rows],
      bound,
      "loss",
    );
    expect([...after.results!.with(at, before[at]!)]).toEqual([...before]);
    expect([...after.added!.with(at, before[at]!)]).toEqual([...before]);
    expect(after.again).toEqual(after.added);
  });
});
