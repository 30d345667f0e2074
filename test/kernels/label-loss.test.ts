import { expect, test } from "vitest";
import { labelLoss, weighRows } from "../../src/kernels/label-loss.js";
import * as oracle from "../oracle/label-loss.js";
import { expectClose, U32, within } from "../support/close.js";
import { runKernel } from "../support/run-kernel.js";
import { normals } from "../support/values.js";

const LOSS_SCALE = 0.125;
const control = new Uint32Array(16);
new Float32Array(control.buffer)[4] = LOSS_SCALE; // CONTROL_LOSS_SCALE

const KINDS = ["multi-label", "regression"] as const;
const SHAPES = [
  ["one number", 1, 1],
  ["several numbers a row", 5, 7],
  ["more rows than one workgroup", 130, 3],
] as const;

test.each(KINDS.flatMap((kind) => SHAPES.map((shape) => [kind, ...shape] as const)))(
  "labelLoss() of %s, %s: losses, gradients, the same bits every time",
  async (kind, _why, rows, columns) => {
    const logits = normals(rows * columns, 1, 4);
    const targets = normals(rows * columns, 2).map((y) => (kind === "regression" ? y : Number(y > 0)));
    const dims = { rows, columns, kind, gradient: true };
    const run = () => runKernel(labelLoss, dims, { logits, targets, control });
    const got = await run();
    const truth = oracle.labelLoss(kind, logits, targets, columns, LOSS_SCALE);
    const largest = Math.max(...truth.losses, ...logits.map(Math.abs)) + 1;
    // Terms: exp and log are good to 3 + 2·|z| ulp of values up to 1, |z| < 20; then a sum of `columns` terms.
    expectClose(
      got.losses!,
      truth.losses,
      within((48 + columns) * 2 * U32 * largest ** 2, "exp, log and a sum of `columns` terms"),
      "losses",
    );
    const steepest = Math.max(...truth.gradients.map(Math.abs)) + LOSS_SCALE;
    expectClose(got.logits!, truth.gradients, within(64 * U32 * steepest, "exp to 43 ulp, a quotient"), "dz");
    expect(await run()).toEqual(got);
  },
);

test("labelLoss() far out stays finite: |z| = 200 against either label", async () => {
  const logits = Float32Array.of(200, 200, -200, -200);
  const targets = Float32Array.of(1, 0, 1, 0);
  const dims = { rows: 4, columns: 1, kind: "multi-label", gradient: true } as const;
  const got = await runKernel(labelLoss, dims, { logits, targets, control });
  expect([...got.losses!]).toEqual([0, 200, 200, 0]);
  // sigmoid is cut at e^87, near the largest f32: 1.6e-38 instead of e^-200.
  expectClose(got.logits!, [0, LOSS_SCALE, -LOSS_SCALE, 0], within(1e-37, "sigmoid's cut"), "dz");
});

test("labelLoss() without gradient gives the same losses and leaves the logits alone", async () => {
  const logits = normals(15, 1);
  const targets = normals(15, 2);
  const dims = { rows: 5, columns: 3, kind: "regression" } as const;
  const values = { logits, targets, control };
  const alone = await runKernel(labelLoss, { ...dims, gradient: false }, values);
  expect(alone.logits).toEqual(logits);
  const both = await runKernel(labelLoss, { ...dims, gradient: true }, values);
  expect(alone.losses).toEqual(both.losses);
});

test.each(SHAPES)("weighRows() of %s", async (_why, rows, columns) => {
  const values = normals(rows * columns, 1);
  const weights = normals(rows, 2);
  const got = await runKernel(weighRows, { rows, columns }, { values, weights });
  const exact = oracle.weigh(values, weights);
  expectClose(
    got.values!,
    exact,
    { why: "one rounding", at: (i) => 2 * U32 * Math.abs(exact[i]!) },
    "values",
  );
});

test("the oracle's slopes are the derivatives of its losses", () => {
  const step = 1e-5; // central differences: error step²·third derivative (below 1), and 1e-16·loss/step
  for (const kind of KINDS) {
    for (const [z, y] of [
      [0.3, 1],
      [-2, 0],
      [4, 0.25],
    ] as const) {
      const difference = (oracle.loss(kind, z + step, y) - oracle.loss(kind, z - step, y)) / (2 * step);
      expect(Math.abs(difference - oracle.slope(kind, z, y))).toBeLessThan(1e-9);
    }
  }
});
