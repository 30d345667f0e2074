// Heads and tasks in a worker: the same calls, answers and errors as on this thread.
import { expect, test } from "vitest";
import { ConfigError, Reformer } from "../../src/index.js";
import { SMALL } from "../api/small-model.js";

const EXAMPLES = Array.from({ length: 8 }, (_, i) => ({ text: `text ${"z".repeat(i)}`, label: i % 2 }));
const OPTIONS = { steps: 2, batchSize: 2, learningRate: 1e-2, evaluateEvery: 2 } as const;

async function answers(worker: "none" | "url") {
  await using model = await Reformer.create(SMALL, { worker, seed: 1 });
  expect(model.worker).toBe(worker);
  const { bits } = await model.score("text");
  const [vector] = await model.embed(["text"], { pooling: "last" });
  await expect(model.classify("text")).rejects.toThrow(ConfigError);
  await model.replaceHead({ head: "classification", labels: ["a", "b"], seed: 2 });
  const steps = [];
  for await (const { step, loss, heldOut } of model.fineTune(EXAMPLES, OPTIONS)) {
    steps.push({ step, loss, heldOut });
  }
  const stop = new AbortController();
  stop.abort(new Error("enough"));
  await expect(model.classify("text", { signal: stop.signal })).rejects.toThrow("enough");
  return { bits, vector, steps, labels: await model.classify(["text", "text zzz"]) };
}

test("a model in a worker learns and answers to the bit as on this thread", async () => {
  const here = await answers("none");
  expect(here.steps).toHaveLength(2);
  expect(await answers("url")).toEqual(here);
});
