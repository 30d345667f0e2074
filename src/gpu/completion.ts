// Waiting for the GPU. Firefox looks whether work is done only every 100 ms (bugzilla 1870699), and whenever something is
// submitted: while we wait there, we submit nothing, every few milliseconds. Without it a training step would take 100 ms
// at least, and the speeds that slices are cut by would be learnt wrong.

type Queue = Pick<GPUQueue, "submit">;

/** Milliseconds between looks; browsers make it 4 after the first few. */
const INTERVAL = 1;

/** How many wait for each queue. */
const waiting = new WeakMap<Queue, number>();

const polls = /Gecko\/\d/.test(globalThis.navigator?.userAgent ?? ""); // Chrome and Safari say "like Gecko)"

/** Resolves or rejects as `done` does: a promise of `onSubmittedWorkDone` or `mapAsync` for what `queue` has been given. */
export async function untilDone<T>(queue: Queue, done: Promise<T>, nudge = polls): Promise<T> {
  if (!nudge) return done;
  const count = waiting.get(queue) ?? 0;
  waiting.set(queue, count + 1);
  if (count === 0) setTimeout(look, INTERVAL, queue);
  try {
    return await done;
  } finally {
    waiting.set(queue, (waiting.get(queue) ?? 1) - 1);
  }
}

function look(queue: Queue): void {
  if (!waiting.get(queue)) return;
  queue.submit([]);
  setTimeout(look, INTERVAL, queue);
}
