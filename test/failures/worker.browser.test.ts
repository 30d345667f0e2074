// A model in a worker whose GPU process crashes, and one whose worker dies: the run is not lost.
import { expect, test } from "vitest";
import { commands } from "vitest/browser";
import { Reformer, type TrainStep, WorkerDiedError } from "../../src/index.js";
import { createWorker } from "../../src/inline.js";
import { SMALL, TEXT, TRAINING } from "../api/small-model.js";

const RUN = { ...TRAINING, steps: 8, checkpointEvery: 2, checkpoint: "failures" } as const;

test("a GPU process that crashes: the run goes on in the worker from its last checkpoint, and says so", async () => {
  await using model = await Reformer.create(SMALL, { seed: 1 });
  expect(model.worker).not.toBe("none");
  const steps: TrainStep[] = [];
  for await (const step of model.train(TEXT, { ...RUN, steps: 40, resume: false })) {
    steps.push(step);
    if (steps.length === 3) await commands.gpuCrash();
  }
  const recovered = steps.filter(({ recoveredFrom }) => recoveredFrom !== undefined);
  expect(recovered).toHaveLength(1);
  expect(recovered[0]?.notice).toContain("on a new device");
  expect(recovered[0]?.step).toBe((recovered[0]?.recoveredFrom as number) + 1);
  expect(steps.at(-1)?.step).toBe(40);
});

test("a worker that dies: the run fails at once, and a new model goes on from its last checkpoint", async () => {
  const worker = createWorker();
  const first = await Reformer.create(SMALL, { seed: 1, worker });
  const loop = async () => {
    for await (const { step } of first.train(TEXT, { ...RUN, steps: 10_000, resume: false })) {
      if (step === 4) worker.terminate();
    }
  };
  await expect(loop()).rejects.toThrow(WorkerDiedError);
  await first.dispose();

  // The worker may have been some steps ahead of the loop.
  await using second = await Reformer.create(SMALL, { seed: 1 });
  const steps: number[] = [];
  for await (const { step } of second.train(TEXT, { ...RUN, steps: 10_000 }))
    if (steps.push(step) === 2) break;
  expect(steps[0]).toBeGreaterThan(2);
  expect((steps[0] as number) % 2, "the step after a checkpoint, of which there is one every 2 steps").toBe(
    1,
  );
});
