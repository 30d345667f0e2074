// The public API in a worker, by every way to start one.
import { expect, test } from "vitest";
import { ConfigError, type CreateOptions, Reformer, TextError } from "../../src/index.js";
import { createWorker } from "../../src/inline.js";
import { SMALL, TEXT, TRAINING, trainedLosses } from "./small-model.js";

const ways: readonly [kind: string, worker: CreateOptions["worker"]][] = [
  ["url", "auto"],
  ["url", "url"],
  ["inline", "inline"],
  ["given", createWorker],
];

test.each(ways)(
  "in a worker (%s) a model trains to the bit as on this thread, and writes",
  async (kind, worker) => {
    const model = await Reformer.create(SMALL, { worker, seed: 1 });
    expect(model.worker).toBe(kind);
    const here = await Reformer.create(SMALL, { worker: "none", seed: 1 });
    expect(await trainedLosses(model)).toEqual(await trainedLosses(here));
    const options = { maxNewTokens: 8, seed: 1 };
    const text = await model.generate("abc", options).text();
    expect(text).toBe(await here.generate("abc", options).text());
    let pieces = "";
    for await (const piece of model.generate("abc", options)) pieces += piece.text;
    expect(pieces).toBe(text);
    await model.dispose();
    await here.dispose();
  },
);

test("dispose() frees every byte of the model in a worker that lives on", async () => {
  const worker = new Worker(new URL("./counting-worker.ts", import.meta.url), { type: "module" });
  const liveBytes = () =>
    new Promise<number>((resolve) => {
      worker.addEventListener("message", ({ data }) => resolve(data), { once: true });
      worker.postMessage("live bytes?");
    });
  for (let i = 0; i < 3; i++) {
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
  await using loaded = await Reformer.load(await model.files());
  const options = { length: TRAINING.length };
  expect(await loaded.evaluate(TEXT, options)).toEqual(await model.evaluate(TEXT, options));
});

test("10 models one after the other train and are disposed of", async () => {
  for (let i = 0; i < 10; i++) {
    await using model = await Reformer.create(SMALL, { seed: i });
    const { step } = await model.train(TEXT, { ...TRAINING, steps: 2 }).finish();
    expect(step).toBe(2);
  }
});
