// How long a page's main thread was busy at a time, from Chrome's trace, and how fast that thread is.
import type { Page } from "playwright";

interface TraceEvent {
  readonly name: string;
  readonly pid: number;
  readonly tid: number;
  /** Microseconds that the thread ran. */
  readonly tdur?: number;
  readonly args?: { readonly name?: string };
}

/** Milliseconds that the processor spent on the longest task of a page's main thread. */
export function longestTask(trace: Buffer): number {
  const { traceEvents } = JSON.parse(trace.toString()) as { traceEvents: readonly TraceEvent[] };
  const threadOf = ({ pid, tid }: TraceEvent) => `${pid}:${tid}`;
  const pages = new Set(
    traceEvents
      .filter(({ name, args }) => name === "thread_name" && args?.name === "CrRendererMain")
      .map(threadOf),
  );
  const tasks = traceEvents.filter((event) => /RunTask$/.test(event.name) && pages.has(threadOf(event)));
  return Math.max(0, ...tasks.map(({ tdur = 0 }) => tdur)) / 1000;
}

/** Milliseconds of one piece of the yardstick's work on an idle core of a 2023 server. */
const YARDSTICK = 7;

/**
 * Measures how much slower than an idle core of a 2023 server a page's main thread is, piece by piece of the same work: a
 * bound in milliseconds says nothing on a machine that others share. Call the result for each piece; `slowness()` is the
 * median of all, at least 1.
 */
export async function yardstick(page: Page): Promise<{ piece(): Promise<void>; slowness(): number }> {
  const work = await page.evaluateHandle(() => () => {
    const start = performance.now();
    let word = 1;
    for (let i = 0; i < 1_000_000; i++) word = Math.imul(word ^ i, 0x9e3779b1) + (word >>> 7);
    return word === 0 ? 0 : performance.now() - start;
  });
  const pieces: number[] = [];
  return {
    piece: async () => void pieces.push(await work.evaluate((run) => run())),
    slowness: () =>
      Math.max(1, (pieces.sort((a, b) => a - b)[Math.floor(pieces.length / 2)] ?? 0) / YARDSTICK),
  };
}
