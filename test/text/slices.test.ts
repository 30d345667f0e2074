import { describe, expect, it } from "vitest";
import { runAtOnce, runInSlices } from "../../src/text/slices.js";

/** Counts to `total`, one busy millisecond each. */
function* slowCount(total: number): Generator<number, string> {
  for (let done = 1; done <= total; done++) {
    const end = performance.now() + 1;
    while (performance.now() < end);
    yield done;
  }
  return "done";
}

describe("runInSlices", () => {
  it("lets other events run, reports rising progress that ends at the total, and returns the value", async () => {
    let ticks = 0;
    const timer = setInterval(() => ticks++, 1);
    const seen: number[] = [];
    const result = await runInSlices(slowCount(60), 60, { onProgress: ({ loaded }) => seen.push(loaded) });
    clearInterval(timer);
    expect(result).toBe("done");
    expect(ticks).toBeGreaterThan(1);
    expect(seen.length).toBeGreaterThan(2);
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
    expect(seen.at(-1)).toBe(60);
  });

  it("rejects with the signal's reason as soon as it aborts", async () => {
    const controller = new AbortController();
    const reason = new Error("enough");
    let last = 0;
    const running = runInSlices(slowCount(1000), 1000, {
      signal: controller.signal,
      onProgress: ({ loaded }) => {
        last = loaded;
        controller.abort(reason);
      },
    });
    await expect(running).rejects.toBe(reason);
    expect(last).toBeLessThan(100);
  });
});

describe("runAtOnce", () => {
  it("returns what the generator returns", () => expect(runAtOnce(slowCount(2))).toBe("done"));
});
