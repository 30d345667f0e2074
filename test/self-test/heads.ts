// Checks of what heads other than the language model's need. Bounds as derived in test/kernels.
import { labelLoss } from "../../src/kernels/label-loss.js";
import { takeRowStarts } from "../../src/kernels/row-starts.js";
import { joinSequences } from "../../src/kernels/sequence-join.js";
import { tokenMean, tokenShares } from "../../src/kernels/token-mean.js";
import * as lossOracle from "../oracle/label-loss.js";
import * as startsOracle from "../oracle/row-starts.js";
import * as joinOracle from "../oracle/sequence-join.js";
import { streamFromF32 } from "../oracle/stream.js";
import * as meanOracle from "../oracle/token-mean.js";
import { U32, within } from "../support/close.js";
import { call } from "../support/run-kernel.js";
import { normals, streamWords } from "../support/values.js";
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

const means: Check = {
  family: "token-mean",
  what: "means over the real tokens of padded sequences",
  async compare(run) {
    const [batch, length, columns] = [2, 40, 70];
    const mask = Uint32Array.from({ length: batch * length }, (_, i) => Number(i < 61));
    const x = normals(batch * length * columns, 1);
    const rows = { batch, length, rows: batch * length, rowOffset: 0 };
    const calls = [
      call(tokenShares, { ...rows, masked: true }, { out: "shares" }),
      call(tokenMean, { ...rows, columns, add: false }),
    ];
    const { shares, means: actual } = await run(calls, { mask, x });
    const share = meanOracle.shares(mask, batch, length);
    const largest = Math.max(...x.map(Math.abs));
    return {
      shares: { actual: shares, expected: share, bound: within(U32, "one rounding") },
      means: {
        actual,
        expected: meanOracle.pool(share, x, batch, columns),
        bound: within((length / 4 + 8) * U32 * largest, "rounded terms, summed in lanes"),
      },
    };
  },
};

const joined: Check = {
  family: "sequence-join",
  what: "sources of different lengths, each followed by its target",
  async compare(run) {
    const sizes = { batch: 3, size: 9, length: 11, sourceLength: 6, targetLength: 5 };
    const sources = Uint32Array.of(6, 1, 4);
    const source = normals(3 * 6 * 9, 1);
    const targets = streamWords(3 * 5 * 9, 2);
    const dims = { ...sizes, rows: 33, rowOffset: 0, fixedPoint: true };
    const results = await run([call(joinSequences, dims)], { sources, source, targets });
    const expected = joinOracle.join(sizes, sources, streamFromF32(source), targets);
    return { joined: { actual: results.joined, expected, bound: EXACT } };
  },
};

export const HEAD_CHECKS: readonly Check[] = [labels, rowStarts, means, joined];
