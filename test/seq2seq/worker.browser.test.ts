// Sequence to sequence in a worker: the same losses and answers as on this thread.
import { expect, test } from "vitest";
import { Reformer, ShapeError } from "../../src/index.js";

const CONFIG = {
  head: "sequence-to-sequence",
  hiddenSize: 16,
  numHeads: 2,
  headSize: 8,
  feedForwardSize: 16,
  encoderLayers: ["full"],
  layers: ["full"],
  maxLength: 16,
} as const;
const EXAMPLES = Array.from({ length: 6 }, (_, i) => ({ text: "ab".repeat(1 + (i % 2)), target: "c" }));

async function answers(worker: "none" | "url") {
  await using model = await Reformer.create(CONFIG, { worker, seed: 1 });
  expect(model.worker).toBe(worker);
  const losses = [];
  const options = { steps: 2, batchSize: 2, learningRate: 1e-2, evaluateEvery: 0 };
  for await (const { loss } of model.fineTune(EXAMPLES, options)) losses.push(loss);
  await expect(model.convert("a".repeat(16))).rejects.toThrow(ShapeError);
  const converted = await model.convert(["ab", "abab"], { maxNewTokens: 4 });
  return { losses, converted, evaluated: await model.evaluate(EXAMPLES.slice(0, 2)) };
}

test("a model in a worker learns and converts to the bit as on this thread", async () => {
  const here = await answers("none");
  expect(here.losses).toHaveLength(2);
  expect(await answers("url")).toEqual(here);
});
