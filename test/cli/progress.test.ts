import { describe, expect, test } from "vitest";
import { formatBar, formatBytes, formatDuration, formatStep, Progress } from "../../src/cli/progress.js";
import type { TrainStep } from "../../src/types.js";

const stepAt = (step: number, more: Partial<TrainStep> = {}): TrainStep => ({
  step,
  steps: 500,
  loss: 2.34567,
  bitsPerCharacter: 3.3844,
  gradientNorm: 1,
  learningRate: 1e-3,
  tokensPerSecond: 12345.6,
  secondsLeft: 83,
  ...more,
});

class Recorded {
  text = "";
  columns = 60;
  constructor(readonly isTTY: boolean) {}
  write(text: string): void {
    this.text += text;
  }
}

/** What a terminal shows in the end: every carriage return with an erasure starts its line anew. */
function shown({ text }: Recorded): string[] {
  return text.split("\n").map((line) => line.slice(line.lastIndexOf("\u001b[2K") + 1).replace("[2K", ""));
}

test("bytes, durations and bars", () => {
  expect([0, 1023, 1024, 1536, 2 ** 20 * 1000, 2 ** 30 * 7.3].map(formatBytes)).toEqual([
    "0 B",
    "1023 B",
    "1.00 KiB",
    "1.50 KiB",
    "1000 MiB",
    "7.30 GiB",
  ]);
  expect([0, 59.6, 754, 3723, Number.NaN].map(formatDuration)).toEqual([
    "0:00",
    "1:00",
    "12:34",
    "1:02:03",
    "?",
  ]);
  expect([-1, 0, 0.5, 1, 2].map((share) => formatBar(share, 4))).toEqual([
    "[----]",
    "[----]",
    "[##--]",
    "[####]",
    "[####]",
  ]);
});

test("formatStep() has loss, bits per character of both parts, speed and time left", () => {
  expect(formatStep(stepAt(7), undefined)).toBe(
    "step   7/500  loss 2.3457  bits/char 3.384  12,346 tokens/s  1:23 left",
  );
  expect(formatStep(stepAt(7), { loss: 2.4, bitsPerCharacter: 3.4561 })).toContain("3.384, held-out 3.456");
});

describe("Progress", () => {
  test("in a terminal, rewrites one line that fits; what is printed stays above it", () => {
    const output = new Recorded(true);
    let now = 0;
    const progress = new Progress(output, () => now);
    progress.stage("compile", 1, 2);
    progress.step(stepAt(1));
    now = 50;
    progress.step(stepAt(2)); // too soon to be seen
    now = 150;
    progress.step(stepAt(3));
    progress.print("a sample");
    progress.end();
    const lines = shown(output);
    expect(lines).toEqual(["a sample", expect.stringMatching(/^\[-{20}\] step {3}3\/500 {2}loss/), ""]);
    expect(lines[1]).toHaveLength(output.columns - 1);
    expect(output.text).not.toContain("step   2/500");
  });

  test("in a file, writes a line every ten seconds, and the last", () => {
    const output = new Recorded(false);
    let now = 0;
    const progress = new Progress(output, () => now);
    progress.stage("compile", 1, 2);
    for (let step = 1; step <= 500; step++) {
      progress.step(stepAt(step, step === 250 ? { heldOut: { loss: 2, bitsPerCharacter: 2.9 } } : {}));
      now += 50;
    }
    progress.end();
    const steps = [...output.text.matchAll(/^step +(\d+)\/500/gm)].map(([, step]) => Number(step));
    expect(steps).toEqual([1, 201, 401, 500]);
    expect(output.text).not.toContain("\r");
    expect(output.text.match(/held-out 2\.900/g)).toHaveLength(2);
  });
});
