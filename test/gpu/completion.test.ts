import { expect, test } from "vitest";
import { untilDone } from "../../src/gpu/completion.js";

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** A queue like Firefox's: says that work is done when something is submitted after it. */
function start() {
  let submits = 0;
  let waiting: (() => void)[] = [];
  let busy = true;
  const queue = {
    submit(commands: Iterable<GPUCommandBuffer>): undefined {
      expect([...commands]).toEqual([]);
      submits++;
      if (busy) return;
      for (const tell of waiting) tell();
      waiting = [];
    },
  };
  return {
    queue,
    done: () => new Promise<void>((resolve) => waiting.push(resolve)),
    finish: () => {
      busy = false;
    },
    submits: () => submits,
  };
}

test("nothing is submitted, again and again, until the work is done; several waits share it", async () => {
  const { queue, done, finish, submits } = start();
  const all = Promise.all([untilDone(queue, done(), true), untilDone(queue, done(), true)]);
  await expect.poll(submits).toBeGreaterThan(5);
  finish();
  await all;
  const until = submits();
  await pause(30);
  expect(submits()).toBe(until);

  await untilDone(queue, done(), true);
  expect(submits()).toBe(until + 1);
});

test("the promise's value and its error are passed on, and end the looks", async () => {
  const { queue, submits } = start();
  expect(await untilDone(queue, Promise.resolve(7), true)).toBe(7);
  await expect(untilDone(queue, Promise.reject(new Error("lost")), true)).rejects.toThrow("lost");
  await pause(30);
  expect(submits()).toBe(0);
});

test("browsers that tell by themselves are left alone", async () => {
  const { queue, submits } = start();
  await untilDone(queue, pause(30), false);
  expect(submits()).toBe(0);
});
