// How work is cut into slices, on a queue and a clock of the test's own.
import { describe, expect, test } from "vitest";
import { Engine } from "../../src/engine/engine.js";
import { SpeedModel, type Work } from "../../src/scheduler/speed-model.js";
import { INTERACTIVE_SLICE, SLICE, Submitter } from "../../src/scheduler/submitter.js";
import { SMALL, TEXT, TRAINING } from "../api/small-model.js";
import { getDevice } from "../support/device.js";

interface Slice {
  readonly work: readonly Work[];
  readonly milliseconds: number;
}

/** A queue that works on one slice after another, each form at its own speed, in operations per millisecond. */
class FakeQueue {
  readonly slices: Slice[] = [];
  inFlight = 0;
  mostInFlight = 0;
  #now = 0;
  #idleAt = 0;
  #encoded: readonly Work[] = [];

  constructor(
    public speeds: Readonly<Record<string, number>>,
    /** Milliseconds that any submit takes besides. */
    readonly latency = 0,
  ) {}

  readonly now = () => this.#now;

  readonly encode = (work: readonly Work[]) => {
    this.#encoded = work;
    return {} as GPUCommandBuffer;
  };

  submit(): undefined {
    const work = this.#encoded;
    const milliseconds = work.reduce((sum, { form, amount }) => sum + amount / (this.speeds[form] ?? 0), 0);
    this.#idleAt = Math.max(this.#idleAt, this.#now) + milliseconds + this.latency;
    this.slices.push({ work, milliseconds });
    this.mostInFlight = Math.max(this.mostInFlight, ++this.inFlight);
  }

  onSubmittedWorkDone(): Promise<undefined> {
    const finished = this.#idleAt;
    return new Promise((resolve) =>
      setTimeout(() => {
        this.#now = Math.max(this.#now, finished);
        this.inFlight--;
        resolve(undefined);
      }),
    );
  }
}

function start(speeds: Readonly<Record<string, number>>, latency?: number) {
  const queue = new FakeQueue(speeds, latency);
  const model = new SpeedModel();
  const submitter = new Submitter(queue, model, queue.now);
  const run = async (work: readonly Work[], budget = SLICE) => {
    const before = queue.slices.length;
    await submitter.run(work, budget, queue.encode);
    return queue.slices.slice(before);
  };
  return { queue, model, submitter, run };
}

const times = (count: number, form: string, amount: number): Work[] =>
  Array.from({ length: count }, () => ({ form, amount }));

describe("Submitter", () => {
  test("budgets: 100 ms, and about a frame where a person uses the page", () => {
    expect([SLICE, INTERACTIVE_SLICE]).toEqual([100, 16]);
  });

  test.each([
    ["a software adapter", SLICE, 1e6],
    ["a GPU", SLICE, 1e9],
    ["a software adapter, interactive", INTERACTIVE_SLICE, 1e6],
    ["a GPU, interactive", INTERACTIVE_SLICE, 1e9],
  ])("%s: slices begin short and grow until they fill the %d ms", async (_, budget, speed) => {
    const { queue, submitter, run } = start({ product: speed });
    const amount = speed / 10; // a tenth of a millisecond
    const slices = await run(times(20_000, "product", amount), budget);
    await submitter.drain();
    expect(slices[0]?.milliseconds).toBeLessThan(budget / 4);
    expect(Math.max(...slices.map(({ milliseconds }) => milliseconds))).toBeLessThanOrEqual(budget * 1.01);
    for (const { milliseconds } of slices.slice(-4, -1)) expect(milliseconds).toBeGreaterThan(0.98 * budget);
    // A form is four times as fast after every 2 ms of work, beginning at 2e5: 100 tenths of a millisecond suffice.
    expect(slices.filter(({ milliseconds }) => milliseconds < budget / 2).length).toBeLessThan(100);
    expect(queue.inFlight).toBe(0);
  });

  test("two slices are in flight, never more; all work is submitted in its order", async () => {
    const { queue, run } = start({ product: 1e7, norm: 1e6 });
    const work = [...times(50, "product", 3e7), ...times(50, "norm", 2e7), ...times(7, "product", 1e6)];
    const slices = await run(work);
    expect(queue.mostInFlight).toBe(2);
    expect(slices.flatMap((slice) => slice.work)).toEqual(work);
  });

  test("short runs do not wait for word of those before: as many are in flight as fit one budget", async () => {
    const { queue, run } = start({ product: 1e7 });
    await run(times(3000, "product", 1e6)); // its speed is known: a tenth of a millisecond each
    queue.mostInFlight = 0;
    for (let i = 0; i < 50; i++) await run(times(100, "product", 1e6));
    expect(queue.mostInFlight).toBe(10);
  });

  test("a dispatch longer than the budget is alone in its slice", async () => {
    const { run } = start({ product: 1e6 });
    await run(times(40, "product", 1e7));
    const long = { form: "product", amount: 5e8 };
    const slices = await run([...times(3, "product", 1e6), long, ...times(3, "product", 1e6)]);
    expect(slices.map(({ work }) => work.length)).toEqual([3, 1, 3]);
  });

  test("after an overrun the following slices are shorter: only what was in flight is as long", async () => {
    const { queue, run } = start({ product: 1e7 });
    const work = times(3000, "product", 1e6);
    await run(work);
    queue.speeds = { product: 1e6 }; // the adapter is throttled
    const slices = await run(work);
    const overruns = slices.map(({ milliseconds }) => milliseconds > 1.2 * SLICE);
    expect(overruns.lastIndexOf(true)).toBe(1);
    queue.speeds = { product: 1e7 };
    expect((await run(work)).at(-2)?.milliseconds).toBeGreaterThan(0.9 * SLICE);
  });

  test("a slow form does not make others look slow", async () => {
    const { model, submitter, run } = start({ product: 1e8, sort: 1e5 });
    const layer = [...times(20, "product", 1e8), ...times(2, "sort", 1e6), ...times(20, "product", 1e8)];
    for (let step = 0; step < 30; step++) await run([...layer, ...layer, ...layer]);
    await submitter.drain();
    const predicted = ["product", "sort"].map((form) => model.predict({ form, amount: 1e6 }));
    expect(predicted[0]).toBeGreaterThan(0.01 * 0.5);
    expect(predicted[0]).toBeLessThan(0.01 * 2);
    expect(predicted[1]).toBeGreaterThan(10 * 0.5);
    expect(predicted[1]).toBeLessThan(10 * 2);
  });

  test("short work alone in its submits, such as clears before each step, teaches nothing about kernels", async () => {
    const { model, submitter, run } = start({ product: 1e9, clear: 1e9 }, 0.5);
    const step = async () => {
      await run(times(1, "clear", 20_000));
      await submitter.drain();
      const slices = await run(times(50, "product", 1e9));
      await submitter.drain();
      return slices;
    };
    for (let i = 0; i < 20; i++) await step();
    const before = model.predict({ form: "product", amount: 1e9 });
    for (let i = 0; i < 20; i++) {
      await run(times(1, "clear", 20_000));
      await submitter.drain();
    }
    expect(model.predict({ form: "product", amount: 1e9 })).toBeCloseTo(before, 1);
    expect(await step()).toHaveLength(1);
  });

  test("slices that are reported finished together count as one", async () => {
    const model = new SpeedModel();
    const slice = times(1, "product", 1e6);
    for (let i = 0; i < 40; i++) {
      model.learn(slice, 20 * i, 20 * i + 20); // of both: 10 ms each
      model.learn(slice, 20 * i, 20 * i + 20);
    }
    const predicted = model.predict({ form: "product", amount: 1e6 });
    expect(predicted).toBeGreaterThan(9);
    expect(predicted).toBeLessThan(21);
  });

  test("what throws while a slice is encoded ends the run", async () => {
    const { queue, submitter } = start({ product: 1e6 });
    const stop = () => {
      throw new Error("stopped");
    };
    await expect(submitter.run(times(9, "product", 1e6), SLICE, stop)).rejects.toThrow("stopped");
    expect(queue.slices).toEqual([]);
  });
});

test("create({ interactive }): shorter slices train to the same bits", async () => {
  const device = await getDevice();
  const losses = async (interactive: boolean) => {
    const engine = await Engine.create(SMALL, { device, interactive });
    const found: number[] = [];
    for await (const { loss } of engine.train(TEXT, { ...TRAINING, steps: 3 })) found.push(loss);
    await engine.dispose();
    return found;
  };
  expect(await losses(true)).toEqual(await losses(false));
});
