// The public API in a worker, by every way to start one.
import { expect, test } from "vitest";
import { ConfigError, type CreateOptions, Reformer, TextError } from "../../src/index.js";
import { createWorker } from "../../src/inline.js";
import { SHORT, SMALL, TEXT, TRAINING, trainedLosses } from "./small-model.js";

const ways: readonly [kind: string, worker: CreateOptions["worker"]][] = [
  ["url", "auto"],
  ["inline", "inline"],
  ["given", createWorker],
];

const WRITING = { maxNewTokens: 8, seed: 1 } as const;

/** What a model on this thread does, once. */
let expected: Promise<{ losses: number[]; text: string }> | undefined;
async function onThisThread() {
  await using here = await Reformer.create(SMALL, { worker: "none", seed: 1 });
  return { losses: await trainedLosses(here), text: await here.generate("abc", WRITING).text() };
}

test.each(ways)(
  "in a worker (%s) a model trains and writes to the bit as on this thread",
  async (kind, worker) => {
    expected ??= onThisThread();
    const { losses, text } = await expected;
    await using model = await Reformer.create(SMALL, { worker, seed: 1 });
    expect(model.worker).toBe(kind);
    expect(await trainedLosses(model)).toEqual(losses);
    let pieces = "";
    for await (const piece of model.generate("abc", WRITING)) pieces += piece.text;
    expect(pieces).toBe(text);
  },
);

test("dispose() frees every byte of the model in a worker that lives on", async () => {
  const worker = new Worker(new URL("./counting-worker.ts", import.meta.url), { type: "module" });
  const liveBytes = () =>
    new Promise<number>((resolve) => {
      worker.addEventListener("message", ({ data }) => resolve(data), { once: true });
      worker.postMessage("live bytes?");
    });
  for (let i = 0; i < 2; i++) {
    const model = await Reformer.create(SMALL, { worker, seed: 1 });
    await model.train(TEXT, { ...TRAINING, steps: 1 }).finish();
    expect(await liveBytes()).toBeGreaterThan(0);
    await model.dispose();
    expect(await liveBytes()).toBe(0);
  }
  worker.terminate();
});

test("errors of the engine cross the worker with class and details", async () => {
  await using model = await Reformer.create(SMALL, { seed: 1 });
  await expect(model.train("", TRAINING).finish()).rejects.toThrow(TextError);
  await expect(model.train(TEXT, { steps: -1 }).finish()).rejects.toThrow(ConfigError);
  await expect(Reformer.load({ "config.json": new Uint8Array([1]) })).rejects.toMatchObject({
    name: "CheckpointError",
  });
});

test("saved files are loaded into a worker with the same loss", async () => {
  await using model = await Reformer.create(SMALL, { seed: 1 });
  await model.train(TEXT, TRAINING).finish();
  await using loaded = await Reformer.load(await model.files(), { seed: 1 });
  const options = { length: TRAINING.length };
  expect(await loaded.evaluate(SHORT, options)).toEqual(await model.evaluate(SHORT, options));
});
