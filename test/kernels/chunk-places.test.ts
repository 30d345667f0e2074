import { expect, test } from "vitest";
import { chunkPlaces } from "../../src/kernels/chunk-places.js";
import { chunkPlaces as oracle } from "../oracle/chunk-places.js";
import { ATTENTION_CASES, attentionInput } from "../support/attention-cases.js";
import { runKernel } from "../support/run-kernel.js";

test("chunkPlaces(order, bucketIds) finds every token's chunk and bucket in every round", async () => {
  const [, dims] = ATTENTION_CASES[9] as (typeof ATTENTION_CASES)[number];
  const { values, buckets } = attentionInput({ ...dims, batch: 2 });
  const { order, bucketIds } = values as Record<string, Uint32Array>;
  const sizes = { ...dims, batch: 2, buckets };
  const { places } = await runKernel(chunkPlaces, sizes, { order, bucketIds } as Record<string, Uint32Array>);
  expect(places).toEqual(oracle(sizes, order as Uint32Array, bucketIds as Uint32Array));
});
