// The public API on this thread, in Chrome and in Node. Workers: reformer.browser.test.ts.
import { describe, expect, test } from "vitest";
import {
  CheckpointError,
  ConfigError,
  DisposedError,
  isSupported,
  type ProgressEvent,
  Reformer,
  TextError,
} from "../../src/index.js";
import { getDevice } from "../support/device.js";
import { countGpuBytes } from "./gpu-bytes.js";
import { SHORT, SMALL, TEXT, TRAINING, trainedLosses } from "./small-model.js";

/** One device: its programs are compiled once. */
const HERE = { seed: 1, device: await getDevice() };

describe("Reformer on this thread", () => {
  test("trains, evaluates, writes, and frees all of its GPU memory", async () => {
    using bytes = countGpuBytes();
    const model = await Reformer.create(SMALL, { worker: "none", seed: 1 });
    expect(model.worker).toBe("none");
    const losses = await trainedLosses(model);
    expect(losses).toHaveLength(TRAINING.steps);
    expect(losses.every(Number.isFinite)).toBe(true);
    const { loss } = await model.evaluate(SHORT, { length: TRAINING.length });
    expect(loss).toBeGreaterThan(0);
    const text = await model.generate("abc", { maxNewTokens: 4, seed: 1 }).text();
    expect(text.length).toBeGreaterThan(0);
    expect(bytes.live()).toBeGreaterThan(0);
    await model.dispose();
    expect(bytes.live()).toBe(0);
  });

  test("tells of a long text's encoding, and stops in the middle of it where it is aborted", async () => {
    const book = TEXT.repeat(400); // 2.3 million characters
    const events: ProgressEvent[] = [];
    const stop = new AbortController();
    const onProgress = (event: ProgressEvent) => {
      events.push(event);
      if (event.phase === "encode" && event.loaded > book.length / 4) stop.abort();
    };
    const pieces = { type: "bpe", vocabSize: 300 } as const;
    await using model = await Reformer.create(SMALL, { ...HERE, tokenizer: pieces, text: TEXT, onProgress });
    await expect(model.train(book, { ...TRAINING, signal: stop.signal }).finish()).rejects.toMatchObject({
      name: "AbortError",
    });
    const encoded = events.filter(({ phase }) => phase === "encode");
    expect(encoded.length).toBeGreaterThan(1);
    for (const { loaded, total } of encoded) {
      expect(total).toBe(book.length);
      expect(loaded).toBeLessThan(total);
    }
    const reading = new AbortController();
    setTimeout(() => reading.abort(), 30);
    await expect(model.score(book, { signal: reading.signal })).rejects.toMatchObject({ name: "AbortError" });
  });

  test("with the caller's device, of default limits and no features: does it all, leaves it working and without a byte", async () => {
    const device = await getDevice({ defaultLimits: true, requiredFeatures: [] });
    expect(device.limits.maxStorageBufferBindingSize).toBe(2 ** 27);
    using bytes = countGpuBytes();
    const model = await Reformer.create(SMALL, { device, seed: 1 });
    expect(model.worker).toBe("none");
    const losses = await trainedLosses(model);
    expect(losses.every((loss) => loss > 0 && loss < 10)).toBe(true);
    expect((await model.evaluate(SHORT, { length: TRAINING.length })).loss).toBeLessThan(10);
    expect(await model.generate("abc", { maxNewTokens: 4, seed: 1 }).text()).not.toBe("");
    await model.dispose();
    expect(bytes.live()).toBe(0);
    const state = await Promise.race([device.lost.then(() => "lost"), Promise.resolve("there")]);
    expect(state).toBe("there");
    device.destroy();
  });

  test("the same seed gives the same losses; leaving the loop stops the run", async () => {
    const [a, b] = [await Reformer.create(SMALL, HERE), await Reformer.create(SMALL, HERE)];
    const all = await trainedLosses(a);
    const seen: number[] = [];
    for await (const { loss } of b.train(TEXT, TRAINING)) if (seen.push(loss) === 2) break;
    expect(seen).toEqual(all.slice(0, 2));
    await a.dispose();
    await b.dispose();
  });

  test("stop() ends a run once all that had begun is told; it goes on from there as if it had never stopped", async () => {
    const [whole, halves] = [await Reformer.create(SMALL, HERE), await Reformer.create(SMALL, HERE)];
    const training = { ...TRAINING, steps: 8, checkpointEvery: 0, checkpoint: "memory:run" };
    const told: [step: number, loss: number][] = [];
    for await (const { step, loss } of whole.train(TEXT, training)) told.push([step, loss]);

    const seen: [step: number, loss: number][] = [];
    const run = halves.train(TEXT, training);
    for await (const { step, loss } of run) {
      seen.push([step, loss]);
      if (step === 2) run.stop();
    }
    const reached = (await halves.describe()).step;
    expect(seen.map(([step]) => step)).toEqual(Array.from({ length: reached }, (_, i) => i + 1));
    expect(reached).toBeLessThan(8);
    const rest = halves.train(TEXT, training);
    for await (const { step, loss } of rest) seen.push([step, loss]);
    expect(seen).toEqual(told);

    const none = halves.train(TEXT, { ...training, checkpoint: "memory:other" });
    none.stop();
    expect((await none.finish()).step).toBe(0);
    await whole.dispose();
    await halves.dispose();
  });

  test("save() and load() give a model of the same loss", async () => {
    await using model = await Reformer.create(SMALL, HERE);
    await model.train(TEXT, TRAINING).finish();
    const files: Record<string, Uint8Array<ArrayBuffer>> = {};
    await model.save((name, content) => {
      files[name] = content;
    });
    expect(Object.keys(files)).toContain("config.json");
    const chosen = Object.entries(files).map(([name, content]) => new File([content], name));
    await using loaded = await Reformer.load(chosen, HERE);
    const options = { length: TRAINING.length };
    expect(await loaded.evaluate(SHORT, options)).toEqual(await model.evaluate(SHORT, options));
  });

  test("an AbortSignal ends training with its reason", async () => {
    await using model = await Reformer.create(SMALL, HERE);
    const stop = new AbortController();
    const reason = new Error("enough");
    const loop = async () => {
      for await (const { step } of model.train(TEXT, { ...TRAINING, steps: 100, signal: stop.signal })) {
        expect(step).toBeLessThanOrEqual(3); // two steps may have been under way
        stop.abort(reason);
      }
    };
    await expect(loop()).rejects.toBe(reason);
    await expect(Reformer.create(SMALL, { ...HERE, signal: stop.signal })).rejects.toBe(reason);
  });

  test("a create() that is aborted, or whose onProgress throws, leaves nothing on the device", async () => {
    using bytes = countGpuBytes();
    const stop = new AbortController();
    const onProgress = ({ phase }: ProgressEvent) => phase === "upload" && stop.abort();
    const { signal } = stop;
    const device = await getDevice();
    await expect(Reformer.create(SMALL, { device, signal, onProgress })).rejects.toMatchObject({
      name: "AbortError",
    });
    expect(bytes.live()).toBe(0);
    const thrown = new Error("the page's own");
    const throws = () => {
      throw thrown;
    };
    await expect(Reformer.create(SMALL, { device, onProgress: throws })).rejects.toBe(thrown);
    expect(bytes.live()).toBe(0);
  });

  test("after dispose() every call says so; a second dispose() does nothing", async () => {
    const model = await Reformer.create(SMALL, HERE);
    await Promise.all([model.dispose(), model.dispose()]);
    await model.dispose();
    await expect(model.describe()).rejects.toThrow(DisposedError);
    await expect(model.evaluate(TEXT)).rejects.toThrow(DisposedError);
    await expect(model.files()).rejects.toThrow(DisposedError);
    expect(() => model.train(TEXT, TRAINING)).toThrow(DisposedError);
    expect(() => model.generate("a")).toThrow(DisposedError);
  });

  test("refuses wrong input by name", async () => {
    await expect(Reformer.create({ hiddenSize: -1 }, HERE)).rejects.toThrow(ConfigError);
    await expect(Reformer.create(SMALL, { worker: "no" as "none" })).rejects.toThrow('worker is "no"');
    for (const source of ["a-model", [1], { "config.json": new Uint8Array([1]) }]) {
      await expect(Reformer.load(source as never, HERE)).rejects.toThrow(CheckpointError);
    }
    const device = {} as GPUDevice;
    await expect(Reformer.create(SMALL, { worker: "url", device })).rejects.toThrow(ConfigError);
    await using model = await Reformer.create(SMALL, HERE);
    const training = async (text: string, steps: number) =>
      model.train(text, { ...TRAINING, steps }).finish();
    await expect(training("", 3)).rejects.toThrow(TextError);
    await expect(training(TEXT, -1)).rejects.toThrow(ConfigError);
  });
});

test("isSupported() is true where there is an adapter", async () => {
  expect(await isSupported()).toEqual({ supported: true });
});
