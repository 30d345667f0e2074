import { describe, expect, it } from "vitest";
import { ConfigError, TextError } from "../../src/errors.js";
import { byteTokenizer } from "../../src/text/byte-tokenizer.js";
import { countCharacters, splitText, TokenDataset } from "../../src/text/dataset.js";

const range = (from: number, length: number) => Uint32Array.from({ length }, (_, i) => from + i);
const dataset = new TokenDataset(range(0, 900), range(10_000, 100), 50);

describe("splitText", () => {
  it.each([
    ["ten characters", "0123456789", 0.1, "012345678", "9"],
    ["never inside a surrogate pair", "👩👩👩👩👩", 0.1, "👩👩👩👩👩", ""],
    ["nothing held out", "abc", 0, "abc", ""],
    ["empty", "", 0.1, "", ""],
  ])("%s", (_why, text, share, train, heldOut) => {
    expect(splitText(text, share)).toEqual({ train, heldOut });
  });

  it.each([-0.1, 1, Number.NaN])("refuses a share of %d", (share) => {
    expect(() => splitText("abc", share)).toThrow(ConfigError);
  });
});

describe("TokenDataset", () => {
  it("fromText holds out the last tenth and reports progress over the whole text", async () => {
    const text = `${"a".repeat(90)}${"é".repeat(10)}`;
    let last = { loaded: 0, total: 0 };
    const made = await TokenDataset.fromText(text, byteTokenizer(), { onProgress: (p) => (last = p) });
    expect([made.train.length, made.heldOut.length, made.heldOutCharacters]).toEqual([90, 20, 10]);
    expect(last).toEqual({ loaded: 100, total: 100 });
    expect(made.bitsPerCharacter(Math.LN2)).toBe(2); // one bit per token, two tokens per character
  });

  it("fromText refuses an empty text", async () => {
    await expect(TokenDataset.fromText("", byteTokenizer())).rejects.toThrow(TextError);
  });

  it("batch: rows are windows of the training part, targets the next token", () => {
    const { inputs, targets, batchSize, length } = dataset.batch(3, { batchSize: 5, length: 16 });
    expect([batchSize, length, inputs.length, targets.length]).toEqual([5, 16, 80, 80]);
    for (let row = 0; row < 5; row++) {
      const start = inputs[row * 16]!;
      expect(inputs.subarray(row * 16, row * 16 + 16)).toEqual(range(start, 16));
      expect(targets.subarray(row * 16, row * 16 + 16)).toEqual(range(start + 1, 16));
    }
    expect(Math.max(...targets)).toBeLessThan(900);
  });

  it("batch is a function of (seed, step) and reaches every window", () => {
    const shape = { batchSize: 4, length: 8 };
    expect(dataset.batch(7, shape, 1)).toEqual(dataset.batch(7, shape, 1));
    expect(dataset.batch(7, shape, 1)).not.toEqual(dataset.batch(8, shape, 1));
    expect(dataset.batch(7, shape, 1)).not.toEqual(dataset.batch(7, shape, 2));
    const tiny = new TokenDataset(range(0, 5), range(0, 2), 2);
    const starts = new Set(
      Array.from({ length: 60 }, (_, step) => tiny.batch(step, { batchSize: 1, length: 2 }).inputs[0]),
    );
    expect([...starts].sort()).toEqual([0, 1, 2]);
  });

  it("batch with a stride begins at multiples of it, and reaches every one", () => {
    const records = new TokenDataset(range(0, 65), range(0, 9), 9, 16);
    const starts = Array.from({ length: 60 }, (_, step) => {
      return records.batch(step, { batchSize: 1, length: 16 }).inputs[0] ?? -1;
    });
    expect([...new Set(starts)].sort((a, b) => a - b)).toEqual([0, 16, 32, 48]);
  });

  it("heldOutWindows cover the held-out part side by side, without its rest", () => {
    const batches = [...dataset.heldOutWindows({ batchSize: 4, length: 16 })];
    expect(batches.map((batch) => batch.batchSize)).toEqual([4, 2]);
    const inputs = batches.flatMap((batch) => [...batch.inputs]);
    expect(inputs).toEqual([...range(10_000, 96)]);
    expect(batches.flatMap((batch) => [...batch.targets])).toEqual([...range(10_001, 96)]);
  });

  it("heldOutWindows with a limit spread evenly", () => {
    const [batch] = [...dataset.heldOutWindows({ batchSize: 8, length: 10 }, 3)];
    expect([0, 10, 20].map((at) => batch!.inputs[at])).toEqual([10_000, 10_030, 10_060]);
  });

  it("a part of exactly length + 1 tokens is one window; one less is refused with both numbers", () => {
    expect(
      new TokenDataset(range(0, 9), range(0, 9), 9).batch(0, { batchSize: 1, length: 8 }).inputs,
    ).toEqual(range(0, 8));
    const short = new TokenDataset(range(0, 8), range(0, 8), 8);
    const attempts = [
      () => short.batch(0, { batchSize: 1, length: 8 }),
      () => [...short.heldOutWindows({ batchSize: 1, length: 8 })],
    ];
    for (const attempt of attempts)
      expect(attempt).toThrow(/8 tokens, but windows of 8 tokens need at least 9/);
    for (const attempt of attempts) expect(attempt).toThrow(TextError);
  });

  it.each([
    { batchSize: 0, length: 8 },
    { batchSize: 1, length: 1.5 },
  ])("refuses the shape %j", (shape) => {
    expect(() => dataset.batch(0, shape)).toThrow(ConfigError);
  });
});

describe("countCharacters", () => {
  it("counts code points", () => expect(countCharacters("a👩é")).toBe(3));
});
