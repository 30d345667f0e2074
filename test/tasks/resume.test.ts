// A run on examples that is left and taken up again.
import { expect, test } from "vitest";
import { Engine } from "../../src/engine/engine.js";
import { checkpointStore } from "../../src/io/checkpoint-store.js";
import { memoryDirectory } from "../../src/io/memory-store.js";
import { SMALL } from "../api/small-model.js";
import { getDevice } from "../support/device.js";

const EXAMPLES = Array.from({ length: 12 }, (_, i) => ({ text: `text ${"y".repeat(i)}`, label: i % 2 }));
const OPTIONS = {
  steps: 6,
  batchSize: 2,
  learningRate: 1e-2,
  evaluateEvery: 2,
  checkpointEvery: 0,
  patience: 5,
};

/** An engine whose named checkpoints are kept in memory. */
async function makeEngine() {
  const directories = new Map<string, ReturnType<typeof memoryDirectory>>();
  const openStore = async (name: string) => {
    const directory = directories.get(name) ?? memoryDirectory();
    directories.set(name, directory);
    return checkpointStore(directory);
  };
  const engine = await Engine.create(
    { ...SMALL, head: "classification" },
    {
      seed: 1,
      openStore,
      device: await getDevice(),
    },
  );
  return { engine, openStore, names: () => [...directories.keys()] };
}

test("it takes the same steps to the bit, and knows the best one from before", async () => {
  const { engine: whole } = await makeEngine();
  const expected: number[] = [];
  const heldOut = new Map<number, number>();
  for await (const step of whole.fineTune(EXAMPLES, OPTIONS)) {
    expected.push(step.loss);
    if (step.heldOut) heldOut.set(step.step, step.heldOut.loss);
  }
  const { engine, names } = await makeEngine();
  const options = { ...OPTIONS, checkpoint: "run" };
  const losses: number[] = [];
  // Left at an evaluation, where no further step is under way.
  for await (const step of engine.fineTune(EXAMPLES, options)) if (losses.push(step.loss) === 4) break;
  expect(names()).toEqual(["run", "run.best"]);
  for await (const step of engine.fineTune(EXAMPLES, options)) losses.push(step.loss);
  expect(losses).toEqual(expected);
  // All steps are taken: a third call only restores the best one's weights.
  const { step, best } = await engine.fineTune(EXAMPLES, options).finish();
  const [bestStep, loss] = [...heldOut].sort(([, a], [, b]) => a - b)[0] as [number, number];
  expect({ step, best }).toEqual({ step: 6, best: { step: bestStep, loss } });
  expect(await engine.classify(["text yy"])).toEqual(await whole.classify(["text yy"]));
  await engine.dispose();
  await whole.dispose();
});

test("a run whose best checkpoint another holds frees its own", async () => {
  const { engine, openStore } = await makeEngine();
  const held = await openStore("run.best");
  await held.lock();
  await expect(engine.fineTune(EXAMPLES, { ...OPTIONS, checkpoint: "run" }).finish()).rejects.toThrow(
    "writer",
  );
  const own = await openStore("run");
  await own.lock();
  await own.close();
  await held.close();
  await engine.fineTune(EXAMPLES, { ...OPTIONS, steps: 1, checkpoint: "run" }).finish();
  await engine.dispose();
});
