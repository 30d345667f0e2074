import { afterEach, describe, expect, test } from "vitest";
import * as errors from "../../src/errors.js";
import type { Model, ProgressEvent, ReformerOptions, TrainStep } from "../../src/types.js";
import { openModel } from "../../src/worker/client.js";
import { connect } from "../../src/worker/connection.js";
import { STEPS_AHEAD } from "../../src/worker/host.js";
import type { EngineOptions } from "../../src/worker/protocol.js";
import { quickest } from "../support/quickest.js";

const LOCKS = "webgpu-reformer-";
const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const newWorker = () => new Worker(new URL("./fake-worker.ts", import.meta.url), { type: "module" });

const models: Model[] = [];
afterEach(async () => {
  await Promise.all(models.splice(0).map((model) => model.dispose()));
});

async function fakeModel(options: EngineOptions = {}, config: ReformerOptions = {}) {
  const worker = newWorker();
  const connection = await connect(worker, { owned: true, signal: options.signal });
  const model = await openModel(connection, { config }, options);
  models.push(model);
  return { worker, model };
}

/** The error that a promise rejects with. */
async function failure(promise: Promise<unknown>): Promise<Error> {
  const outcome = await promise.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (outcome instanceof Error) return outcome;
  throw new Error(`expected a rejection with an Error, got ${outcome}`);
}

async function locksHeld(): Promise<number> {
  const { held = [], pending = [] } = await navigator.locks.query();
  return [...held, ...pending].filter(({ name }) => name?.startsWith(LOCKS)).length;
}

describe("a model in a worker", () => {
  test("yields the steps in order and ends after the last", async () => {
    const { model } = await fakeModel();
    const seen: number[] = [];
    for await (const { step } of model.train("count", { steps: 20 })) seen.push(step);
    expect(seen).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
    expect((await model.describe()).step).toBe(1); // one run has ended
  });

  test("finish() and text() return the end without a loop", async () => {
    const { model } = await fakeModel();
    expect(await model.train("count", { steps: 30 }).finish()).toEqual({ step: 30, loss: 0, seconds: 0 });
    expect(await model.generate("鲸 whale").text()).toBe("鲸 whale");
    expect(await model.generate(["鲸", "whale"]).texts()).toEqual(["鲸", "whale"]);
    let text = "";
    for await (const piece of model.generate("鲸 whale")) text += piece.text;
    expect(text).toBe("鲸 whale");
  });

  test(`runs at most ${STEPS_AHEAD} steps ahead of a slow reader, and not at all before the first next()`, async () => {
    const { model } = await fakeModel();
    const steps = model.train("count", { steps: 1000 })[Symbol.asyncIterator]();
    await pause(30);
    expect((await model.describe()).parameters).toBe(0);
    for (let read = 1; read <= 3; read++) {
      await steps.next();
      await pause(50);
      const { parameters: taken } = await model.describe();
      expect(taken - read).toBe(STEPS_AHEAD);
    }
    await steps.return?.();
  });

  test("leaving the loop stops the run in the worker before the loop is left", async () => {
    const { model } = await fakeModel();
    for await (const { step } of model.train("count", { steps: 1000 })) if (step === 5) break;
    const after = await model.describe();
    expect(after.step).toBe(1);
    expect(after.parameters).toBeLessThanOrEqual(5 + STEPS_AHEAD + 1);
    await pause(50);
    expect(await model.describe()).toEqual(after);
  });

  test("stop() lets the loop have every step that was taken, and ends it; before the first step there is none", async () => {
    const { model } = await fakeModel();
    const run = model.train("count", { steps: 1000 });
    const told: number[] = [];
    for await (const { step } of run) {
      told.push(step);
      if (step === 5) run.stop();
    }
    const { parameters: taken } = await model.describe();
    expect(taken).toBeLessThan(1000);
    expect(told).toEqual(Array.from({ length: taken }, (_, i) => i + 1));
    run.stop(); // again is nothing
    const none = model.train("count", { steps: 1000 });
    none.stop();
    for await (const { step } of none) told.push(step);
    expect(told).toHaveLength(taken);
  });

  test("takes settings and files, reports progress in order and before it is there", async () => {
    const seen: ProgressEvent[] = [];
    const { model } = await fakeModel({ seed: 7, onProgress: (event) => seen.push(event) });
    expect(seen.map(({ loaded }) => loaded)).toEqual([0, 1, 2, 3]);
    expect((await model.evaluate("four")).loss).toBe(7);
    await model.train("count", { steps: 2 }).finish();
    await expect.poll(() => seen.map(({ loaded }) => loaded)).toEqual([0, 1, 2, 3, 4, 5]); // later reports too

    const files = await model.files();
    expect(Object.keys(files)).toEqual(["config.json", "model.safetensors"]);
    expect(files["model.safetensors"]).toEqual(new Uint8Array(1000).fill(7));
    const copy = await openModel(await connect(newWorker(), { owned: true }), { location: { files } }, {});
    models.push(copy);
    expect((await copy.evaluate("")).loss).toBe(1000);
    expect(files["model.safetensors"]).toHaveLength(1000); // the caller keeps its own
  });
});

describe("AbortSignal", () => {
  test("aborted before the call: rejects with its reason and sends nothing", async () => {
    const reason = new Error("my reason");
    const signal = AbortSignal.abort(reason);
    const { model } = await fakeModel();
    expect(await failure(model.evaluate("x", { signal }))).toBe(reason);
    expect(await failure(model.train("count", { steps: 5, signal }).finish())).toBe(reason);
    expect(await failure(fakeModel({ signal }))).toBe(reason);
    expect((await model.describe()).parameters).toBe(0);
  });

  test("aborted during a call: rejects at once with its reason, and the worker stops too", async () => {
    const attempt = async () => {
      const { model } = await fakeModel();
      const stop = new AbortController();
      const reason = new Error("enough");
      const evaluation = failure(model.evaluate("hang", { signal: stop.signal }));
      const training = failure(model.train("hang", { steps: 5, signal: stop.signal }).finish());
      await pause(30);
      const start = performance.now();
      stop.abort(reason);
      expect(await evaluation).toBe(reason);
      expect(await training).toBe(reason);
      const milliseconds = performance.now() - start;
      await expect.poll(async () => (await model.describe()).step).toBe(1); // the hanging run has ended
      expect((await model.evaluate("next call works")).tokens).toBe(15);
      return milliseconds;
    };
    expect(await quickest(50, attempt), "milliseconds").toBeLessThanOrEqual(50);
  });

  test("aborted between two steps: the next step rejects with its reason, then the run is over", async () => {
    const { model } = await fakeModel();
    const stop = new AbortController();
    const steps = model.train("count", { steps: 1000, signal: stop.signal })[Symbol.asyncIterator]();
    await steps.next();
    stop.abort();
    await expect.poll(async () => (await model.describe()).step).toBe(1);
    expect(await failure(steps.next())).toBe(stop.signal.reason);
    expect(await steps.next()).toEqual({ done: true, value: undefined });
  });

  test("aborted while the model is made: rejects with its reason and leaves no worker", async () => {
    const stop = new AbortController();
    const making = failure(fakeModel({ signal: stop.signal }, { vocabSize: 408 }));
    await pause(100);
    stop.abort();
    expect(await making).toBe(stop.signal.reason);
    await expect.poll(locksHeld).toBe(0);
  });

  test("50 aborts at random times settle within 250 ms, and the model still works", async () => {
    const { model } = await fakeModel();
    const delays: number[] = [];
    for (let i = 0; i < 50; i++) {
      const stop = new AbortController();
      const run = model.train("count", { steps: 1e9, signal: stop.signal });
      setTimeout(() => stop.abort(), (i * 7) % 20);
      const loop = async () => {
        for await (const { step } of run) expect(step).toBeGreaterThan(0);
      };
      const error = await failure(loop());
      const late = performance.now();
      expect(error).toBe(stop.signal.reason);
      expect((await model.evaluate("ok")).tokens).toBe(2);
      delays.push(performance.now() - late);
    }
    const median = delays.sort((a, b) => a - b)[25]; // other work on the machine may hold up any one of them
    expect(median, "milliseconds").toBeLessThan(250);
    const after = await model.describe();
    await pause(50);
    expect(await model.describe()).toEqual(after); // no run goes on
  });
});

describe("errors", () => {
  test("keep class, message and details", async () => {
    const { model } = await fakeModel();
    const seen: number[] = [];
    const loop = async () => {
      for await (const { step } of model.train("diverge", { steps: 9 })) seen.push(step);
    };
    const error = await failure(loop());
    expect(error).toBeInstanceOf(errors.DivergedError);
    expect(error).toMatchObject({ message: "The loss is NaN.", details: { step: 4, layer: "layer1" } });
    expect(error.stack).toContain("fake-engine");
    expect(seen).toEqual([1, 2, 3]);
  });

  test("arrive from create, from options and from bugs", async () => {
    const refused = await failure(fakeModel({}, { vocabSize: 404 }));
    expect(refused).toBeInstanceOf(errors.ConfigError);
    expect(refused).toMatchObject({ details: { field: "vocabSize", given: 404 } });
    const { model } = await fakeModel();
    expect(await failure(model.train("count", { steps: 0 }).finish())).toBeInstanceOf(errors.ConfigError);
    const bug = await failure(model.evaluate("type error"));
    expect(bug).toMatchObject({ name: "TypeError", message: "not a function" });
    expect(bug).not.toBeInstanceOf(errors.ReformerError);
  });

  test("of arguments that cannot be sent say so, and the model still works", async () => {
    const { model } = await fakeModel();
    const options = { length: (() => {}) as unknown as number };
    expect((await failure(model.evaluate("x", options))).name).toBe("DataCloneError");
    expect((await model.evaluate("ok")).tokens).toBe(2);
  });
});

describe("a worker that dies", () => {
  test("terminate(): 100 pending calls reject with WorkerDiedError within 100 ms, later calls too", async () => {
    const attempt = async () => {
      const { worker, model } = await fakeModel();
      const calls = Array.from({ length: 100 }, (_, i) =>
        failure(i % 2 ? model.evaluate("deaf") : model.train("deaf", { steps: 1 }).finish()),
      );
      await pause(50);
      const start = performance.now();
      worker.terminate();
      const failures = await Promise.all(calls);
      const milliseconds = performance.now() - start;
      expect(failures.filter((error) => error instanceof errors.WorkerDiedError)).toHaveLength(100);
      console.log(`terminate(): 100 rejections in ${milliseconds.toFixed(1)} ms`);
      expect(await failure(model.describe())).toBeInstanceOf(errors.WorkerDiedError);
      await model.dispose();
      return milliseconds;
    };
    expect(await quickest(100, attempt), "milliseconds").toBeLessThanOrEqual(100);
  });

  test("self.close() in the worker: pending calls reject with WorkerDiedError", async () => {
    const { model } = await fakeModel();
    const waiting = failure(model.evaluate("deaf"));
    const closing = failure(model.train("close", { steps: 1e9 }).finish());
    expect(await waiting).toBeInstanceOf(errors.WorkerDiedError);
    expect(await closing).toBeInstanceOf(errors.WorkerDiedError);
  });

  test("an uncaught error in the worker: pending calls reject with its message", async () => {
    const { model } = await fakeModel();
    const waiting = failure(model.evaluate("deaf"));
    await model.evaluate("throw").catch(() => {}); // whether its answer or the error comes first is up to the browser
    const error = await waiting;
    expect(error).toBeInstanceOf(errors.WorkerDiedError);
    expect(error.message).toContain("a bug");
  });

  test("a script that is missing, fails or never answers is a WorkerDiedError", async () => {
    const missing = connect(new Worker("/no-such-worker.js", { type: "module" }), { owned: true });
    expect((await failure(missing)).message).toContain("did not load");
    const silent = new Worker(URL.createObjectURL(new Blob([], { type: "text/javascript" })), {
      type: "module",
    });
    const error = await failure(connect(silent, { owned: true, timeout: 200 }));
    expect(error).toBeInstanceOf(errors.WorkerDiedError);
    expect(error.message).toContain("200 ms");
  });
});

describe("dispose()", () => {
  test("is idempotent, rejects what is pending and frees the worker", async () => {
    const { model } = await fakeModel();
    const waiting = failure(model.evaluate("hang"));
    await pause(20);
    const [first, second] = [model.dispose(), model.dispose()];
    await Promise.all([first, second]);
    expect(await waiting).toBeInstanceOf(errors.DisposedError);
    expect(await failure(model.describe())).toBeInstanceOf(errors.DisposedError);
    await expect.poll(locksHeld).toBe(0);
  });

  test("ends a worker that is blocked for ever", async () => {
    const { model } = await fakeModel();
    const waiting = failure(model.evaluate("block"));
    await pause(20);
    await model.dispose();
    expect(await waiting).toBeInstanceOf(errors.DisposedError);
    await expect.poll(locksHeld, { timeout: 10_000 }).toBe(0);
  });

  test("20 models one after the other leave no worker behind", async () => {
    for (let i = 0; i < 20; i++) {
      const { model } = await fakeModel();
      const [step] = await firstSteps(model, 1);
      expect(step?.step).toBe(1);
      await model.dispose();
    }
    await expect.poll(locksHeld).toBe(0);
  });
});

test("a worker given by the caller serves several models and outlives them", async () => {
  const worker = newWorker();
  const open = async (seed: number) =>
    openModel(await connect(worker, { owned: false }), { config: {} }, { seed });
  const [a, b] = [await open(1), await open(2)];
  const waiting = failure(a.evaluate("hang"));
  await a.dispose();
  expect(await waiting).toBeInstanceOf(errors.DisposedError);
  expect((await b.evaluate("x")).loss).toBe(2);
  await b.dispose();
  const c = await open(3);
  expect((await c.evaluate("x")).loss).toBe(3);
  worker.terminate();
  await c.dispose();
});

async function firstSteps(model: Model, count: number): Promise<TrainStep[]> {
  const seen: TrainStep[] = [];
  for await (const step of model.train("count", { steps: 1000 })) if (seen.push(step) === count) break;
  return seen;
}
