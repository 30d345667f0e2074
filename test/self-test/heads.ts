// Checks of what heads other than the language model's need. Bounds as derived in test/kernels.
import { labelLoss } from "../../src/kernels/label-loss.js";
import { takeRowStarts } from "../../src/kernels/row-starts.js";
import * as lossOracle from "../oracle/label-loss.js";
import * as startsOracle from "../oracle/row-starts.js";
import { U32, within } from "../support/close.js";
import { call } from "../support/run-kernel.js";
import { normals } from "../support/values.js";
import { type Check, EXACT } from "./check.js";

const labels: Check = {
  family: "label-loss",
  what: "several labels a row, and the gradient",
  async compare(run) {
    const [rows, columns] = [130, 3];
    const scale = 0.125;
    const control = new Uint32Array(16);
    new Float32Array(control.buffer)[4] = scale;
    const logits = normals(rows * columns, 1, 4);
    const targets = normals(rows * columns, 2).map((y) => Number(y > 0));
    const dims = { rows, columns, kind: "multi-label", gradient: true } as const;
    const results = await run([call(labelLoss, dims)], { logits, targets, control });
    const truth = lossOracle.labelLoss("multi-label", logits, targets, columns, scale);
    const largest = Math.max(...truth.losses, ...logits.map(Math.abs)) + 1;
    const steepest = Math.max(...truth.gradients.map(Math.abs)) + scale;
    return {
      losses: {
        actual: results.losses,
        expected: truth.losses,
        bound: within((48 + columns) * 2 * U32 * largest ** 2, "exp, log and a sum of `columns` terms"),
      },
      gradients: {
        actual: results.logits,
        expected: truth.gradients,
        bound: within(64 * U32 * steepest, "exp to 43 ulp, a quotient"),
      },
    };
  },
};

const rowStarts: Check = {
  family: "row-starts",
  what: "the first elements of whole rows",
  async compare(run) {
    const [rows, columns, count] = [5, 90, 7];
    const x = Int32Array.from({ length: rows * columns }, (_, i) => i * 7919 - 4e8);
    const dims = { rows, columns, count, offset: 0, size: x.length };
    const { starts } = await run([call(takeRowStarts, dims)], { x });
    return { starts: { actual: starts, expected: startsOracle.take(x, rows, columns, count), bound: EXACT } };
  },
};

export const HEAD_CHECKS: readonly Check[] = [labels, rowStarts];
