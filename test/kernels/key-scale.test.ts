import { expect, test } from "vitest";
import { keyScale, keyScaleHalf } from "../../src/kernels/key-scale.js";
import { keyScale as oracle } from "../oracle/key-scale.js";
import { expectClose, ulps } from "../support/close.js";
import { runKernel } from "../support/run-kernel.js";
import { halvesOf, normals } from "../support/values.js";

test.each([
  ["shared keys", { batch: 2, heads: 3, length: 11, headSize: 12, shared: true, masked: false }],
  ["shared keys, some hidden", { batch: 2, heads: 3, length: 11, headSize: 12, shared: true, masked: true }],
  [
    "separate keys, some hidden",
    { batch: 3, heads: 1, length: 50, headSize: 4, shared: false, masked: true },
  ],
])("keyScale of %s", async (_, dims) => {
  const k = normals(dims.batch * dims.heads * dims.length * dims.headSize, 1);
  k.fill(0, 0, dims.headSize); // a zero vector has a finite scale
  const keyMask = Uint32Array.from({ length: dims.batch * dims.length }, (__, i) => Number(i % 3 !== 1));
  const { scale } = await runKernel(keyScale, dims, { k, ...(dims.masked ? { keyMask } : {}) });
  const expected = oracle(dims, { k, keyMask });
  const bound = ulps(
    dims.headSize / 2 + 12,
    expected,
    "half of D + 2 roundings under a root, then root and quotient",
  );
  expectClose(scale as Float32Array, expected, bound, "scale");
  expect(scale?.filter((x) => x === 0)).toHaveLength(expected.filter((x) => x === 0).length);

  const halves = halvesOf(k);
  const given = { k: halves.words, ...(dims.masked ? { keyMask } : {}) };
  const results = await runKernel(keyScaleHalf, dims, given);
  expectClose(
    results.scale as Float32Array,
    oracle(dims, { k: halves.numbers, keyMask }),
    bound,
    "of halves",
  );
});
