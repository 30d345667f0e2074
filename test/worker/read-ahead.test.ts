import { expect, test } from "vitest";
import { readAhead } from "../../src/worker/read-ahead.js";

/** Counts up to `end`; `log` records what happens. */
async function* counter(end: number, log: string[]): AsyncGenerator<number, undefined> {
  try {
    for (let i = 1; i <= end; i++) {
      log.push(`made ${i}`);
      yield i;
    }
    throw new Error("past the end");
  } finally {
    log.push("ended");
  }
}

const settle = () => new Promise((resolve) => setTimeout(resolve, 5));

test("readAhead(source, 3) does nothing before the first next()", async () => {
  const log: string[] = [];
  readAhead(counter(9, log), 3);
  await settle();
  expect(log).toEqual([]);
});

test("readAhead(source, 3) keeps at most 3 items that nobody asked for", async () => {
  const log: string[] = [];
  const steps = readAhead(counter(9, log), 3);
  expect(await steps.next()).toEqual({ done: false, value: 1 });
  await settle();
  expect(log.at(-1)).toBe("made 4");
  await steps.next();
  await settle();
  expect(log.at(-1)).toBe("made 5");
});

test("an error comes after the items before it, once", async () => {
  const steps = readAhead(counter(2, []), 8);
  await steps.next();
  await settle();
  expect(await steps.next()).toEqual({ done: false, value: 2 });
  await expect(steps.next()).rejects.toThrow("past the end");
  expect(await steps.next()).toEqual({ done: true, value: undefined });
});

test("stop() ends the source, also one that never started", async () => {
  const log: string[] = [];
  const steps = readAhead(counter(9, log), 2);
  await steps.next();
  await steps.stop();
  expect(log.at(-1)).toBe("ended");
  expect(await steps.next()).toEqual({ done: true, value: undefined });

  const unused: string[] = [];
  await readAhead(counter(9, unused), 2).stop();
  expect(unused).toEqual([]);
});
