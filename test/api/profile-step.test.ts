import { expect, it } from "vitest";
import { profileStep } from "../../src/index.js";
import { getDevice } from "../support/device.js";

const CONFIG = {
  vocabSize: 32,
  hiddenSize: 16,
  numHeads: 1,
  headSize: 16,
  feedForwardSize: 32,
  maxLength: 64,
};

it("profileStep(device, config) names and times every dispatch of a step, and frees what it took", async () => {
  const device = await getDevice();
  const rows = await profileStep(device, { ...CONFIG, layers: ["lsh"], lshChunkLength: 16 }, { length: 64 });
  const kernels = new Set(rows.map(({ kernel }) => kernel));
  for (const kernel of ["lsh-hash", "chunk-attention", "chunk-attention-backward", "matmul", "adamw"])
    expect(
      [...kernels].some((name) => name.startsWith(kernel)),
      kernel,
    ).toBe(true);
  expect(rows.some(({ label }) => label.includes("lsh"))).toBe(true);
  for (const { flops, bytes } of rows) expect(flops + bytes).toBeGreaterThan(0);
  if (device.features.has("timestamp-query"))
    expect(rows.reduce((sum, { nanoseconds }) => sum + (nanoseconds ?? 0), 0)).toBeGreaterThan(0);
  else expect(rows.every(({ nanoseconds }) => nanoseconds === null)).toBe(true);
});
