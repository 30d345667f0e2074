import { test } from "vitest";
import { attentionDelta } from "../../src/kernels/attention-delta.js";
import { attentionDelta as oracle } from "../oracle/attention-delta.js";
import { expectClose, U32 } from "../support/close.js";
import { runKernel } from "../support/run-kernel.js";
import { normals } from "../support/values.js";

test.each([
  ["more tokens than a workgroup", { batch: 2, heads: 3, length: 23, headSize: 20 }],
  ["one token", { batch: 1, heads: 1, length: 1, headSize: 4 }],
])("attentionDelta(scale, out, stats, dOut): %s", async (_, dims) => {
  const tokens = dims.batch * dims.heads * dims.length;
  const out = normals(tokens * dims.headSize, 1);
  const dOut = normals(tokens * dims.headSize, 2);
  const stats = normals(tokens * 2, 3).map((x) => Math.abs(x) + 0.5);
  const scale = normals(tokens, 4).map(Math.abs);
  const { rows } = await runKernel(attentionDelta, dims, { out, dOut, stats, scale });
  const expected = oracle(dims, { out, dOut, stats, scale });
  const magnitudes = oracle(dims, { out: out.map(Math.abs), dOut: dOut.map(Math.abs), stats, scale });
  const bound = {
    why: "(D + 2)u of the terms' magnitudes; 1/l within 2.5 ULP; the rest is copied",
    at: (i: number) =>
      [0, 5, dims.headSize + 2, 0].map((n) => n * U32 * (magnitudes[i] as number))[i % 4] as number,
  };
  expectClose(rows as Float32Array, expected, bound, "rows");
});
