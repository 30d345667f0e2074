import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import type { ReformerOptions } from "../../src/config/config.js";
import type { EndReason, GenerateTokensOptions, Generator } from "../../src/generate/generator.js";
import { nextGroup } from "../../src/generate/group.js";
import { Random } from "../../src/random.js";
import { tokenShares } from "../oracle/sampling.js";
import { expectClose, U32, within } from "../support/close.js";
import { getDevice, withErrorScopes } from "../support/device.js";
import { logitsOfRow, TestModel } from "./model.js";

const random = new Random(3);
const TEXT = Array.from({ length: 60 }, () => random.below(40));

/** Writes everything; tokens and the reason for the end, by sequence. */
async function write(
  generator: Generator,
  prompts: readonly (readonly number[])[],
  options: GenerateTokensOptions,
): Promise<{ texts: number[][]; reasons: (EndReason | undefined)[] }> {
  const texts: number[][] = prompts.map(() => []);
  let reasons: readonly (EndReason | undefined)[] = [];
  for await (const { tokens, ended } of generator.generate(prompts, options)) {
    tokens.forEach((token, row) => {
      if (token !== undefined) texts[row]!.push(token);
    });
    reasons = ended;
  }
  return { texts, reasons: [...reasons] };
}

/** Feeds TEXT after a prompt of `prompt` tokens; logits of every step, by position. */
async function decodeText(
  generator: Generator,
  prompt: number,
  end: number,
): Promise<Map<number, Float32Array>> {
  const { prepared, plan } = generator;
  const logits = new Map<number, Float32Array>();
  await generator.prefill([TEXT.slice(0, prompt)], { temperature: 0, seed: 9 });
  while (generator.position < end) {
    const position = generator.position;
    prepared.write(plan.tensors.tokens, Uint32Array.of(TEXT[position]!));
    await generator.step();
    logits.set(position, await logitsOfRow(generator));
  }
  return logits;
}

/**
 * Both ways sum the same numbers in other orders: a sum of n terms differs by at most n roundings of its largest partial
 * sum, and sums of these models have at most 60 terms (keys). Fixed-point streams may also round to a neighbouring step.
 * Every layer and the head pass an error on, enlarged by the gain of a layer norm and a matrix of this size, below 4.
 */
function bound(layers: number, streams: "int32" | "f32", largest: number) {
  const error = Math.max(60 * U32 * largest, streams === "int32" ? 2 ** -16 : 0) * 4 ** (layers + 1);
  const why = `another order of summation through ${layers} layers with ${streams} streams, logits up to ${largest}`;
  return within(error, why);
}

function expectSame(
  actual: Map<number, Float32Array>,
  expected: Float32Array[],
  layers: number,
  streams: "int32" | "f32" = "f32",
): void {
  const largest = Math.max(...expected.flatMap((row) => [...row].map(Math.abs)));
  for (const [position, row] of actual) {
    expectClose(row, expected[position]!, bound(layers, streams, largest), `position ${position}`);
  }
}

describe("decoding with caches equals one forward pass", () => {
  const ROWS: [why: string, options: ReformerOptions, prompt: number][] = [
    ["local layers, across chunk borders", { layers: ["local", "local"] }, 11],
    ["local layers, from the first token", { layers: ["local"] }, 1],
    ["local layers, two chunks back", { layers: ["local", "local"], localChunksBefore: 2 }, 3],
    ["local layers, no chunk back", { layers: ["local"], localChunksBefore: 0 }, 20],
    [
      "three axes of positions",
      { layers: ["local"], positions: { type: "axial", shape: [4, 4, 6], dims: [4, 4, 8] } },
      9,
    ],
    ["full attention, learned positions", { layers: ["full", "full"], positions: { type: "learned" } }, 9],
    [
      "every kind, short enough for full attention",
      { layers: ["local", "lsh", "full"], fullAttentionBelow: 96 },
      13,
    ],
  ];
  test.each(ROWS)("%s", async (_, options, prompt) => {
    const model = await TestModel.create(options);
    try {
      await withErrorScopes(await getDevice(), async () => {
        const expected = await model.forward(TEXT.slice(0, 48));
        for (const streams of ["f32", "int32"] as const) {
          const generator = await model.generator({ capacity: 48, streams });
          const actual = await decodeText(generator, prompt, 48);
          expect(actual.size).toBe(48 - prompt + 1);
          const whole = streams === "f32" ? expected : await model.forward(TEXT.slice(0, 48), { streams });
          expectSame(actual, whole, model.config.layers.length, streams);
          generator.dispose();
        }
      });
    } finally {
      model.dispose();
    }
  });

  test("LSH, one chunk or less: the short path", async () => {
    const model = await TestModel.create({ layers: ["lsh", "lsh"] });
    const expected = await model.forward(TEXT.slice(0, 8));
    const generator = await model.generator({ capacity: 40 });
    expectSame(await decodeText(generator, 3, 8), expected, 2);
    model.dispose();
  });

  test("LSH, windows that cover everything, each key counted once: full attention", async () => {
    const model = await TestModel.create({ layers: ["lsh", "lsh"], lshChunksBefore: 5, duplicates: "once" });
    const expected = await model.forward(TEXT.slice(0, 48), { config: { fullAttentionBelow: 96 } });
    const generator = await model.generator({ capacity: 48 });
    // From position 8 on the buckets are in use; a window has 6 chunks, and 48 tokens have no more.
    expectSame(await decodeText(generator, 1, 48), expected, 2);
    model.dispose();
  });
});

describe("Generator", () => {
  let model: TestModel;
  let single: Generator;
  let start = 0;
  beforeAll(async () => {
    model = await TestModel.create({ layers: ["local", "lsh"] });
    start = model.gpu.liveBytes;
    single = await model.generator({ capacity: 64 });
  });
  afterAll(() => model.dispose());

  test("generate(prompts) of a batch writes what its rows write alone, also where prompts differ in length", async () => {
    const three = await model.generator({ capacity: 64, batch: 3 });
    const options = { temperature: 0, maxNewTokens: 25 };
    const equal = [TEXT.slice(0, 20), TEXT.slice(10, 30), TEXT.slice(20, 40)];
    const together = await write(three, equal, options);
    expect(together.reasons).toEqual(["maxNewTokens", "maxNewTokens", "maxNewTokens"]);
    for (const [row, prompt] of equal.entries()) {
      expect(together.texts[row]).toEqual((await write(single, [prompt], options)).texts[0]);
    }
    // A longer prompt is read step by step from the shortest one's end on; so alone, where the shortest has one token.
    const mixed = [[7], TEXT.slice(0, 9), TEXT.slice(5, 22)];
    const penalty = { ...options, repetitionPenalty: 1.5 };
    const unequal = await write(three, mixed, penalty);
    expect(unequal.texts.map((text) => text.length)).toEqual([25, 25, 25]);
    for (const [row, prompt] of mixed.entries()) {
      await three.prefill(
        [[1], [2], [3]].map((other, i) => (i === row ? prompt : other)),
        penalty,
      );
      const alone: number[] = [];
      while (alone.length < 25) {
        const token = (await three.step())[row];
        if (token !== undefined) alone.push(token);
      }
      expect(unequal.texts[row]).toEqual(alone);
    }
    three.dispose();
  });

  test("equal seeds write equal text, other seeds other text; temperature 0 needs no seed to repeat", async () => {
    const prompt = [TEXT.slice(0, 30)];
    const text = async (options: GenerateTokensOptions) =>
      (await write(single, prompt, { maxNewTokens: 20, ...options })).texts[0]!;
    const first = await text({ seed: 1 });
    expect(await text({ seed: 1 })).toEqual(first);
    expect(await text({ seed: 2 })).not.toEqual(first);
    const again = await model.generator({ capacity: 64 });
    expect((await write(again, prompt, { maxNewTokens: 20, seed: 1 })).texts[0]).toEqual(first);
    again.dispose();
    expect(await text({ temperature: 0 })).toEqual(await text({ temperature: 0 }));
    expect(await text({ topK: 1, seed: 0 })).toEqual(await text({ temperature: 0 }));
  });

  test("a repetition penalty acts on all tokens seen, those of the prompt included, from the first step on", async () => {
    const prompt = TEXT.slice(0, 20);
    const sampling = { temperature: 0, topK: 0, topP: 1, repetitionPenalty: 3 };
    const seen = [...prompt];
    await single.prefill([prompt], sampling);
    let changed = 0;
    for (let i = 0; i < 15; i++) {
      const token = (await single.step())[0]!;
      const logits = await logitsOfRow(single);
      const best = (penalty: number) =>
        tokenShares(logits, new Set(seen), { ...sampling, repetitionPenalty: penalty }).shares.indexOf(1);
      expect(token).toBe(best(3));
      changed += Number(best(1) !== token);
      seen.push(token);
    }
    expect(changed).toBeGreaterThan(0); // else the penalty was not seen at work
  });

  test("a sequence ends before a stop token, after maxNewTokens, and where positions end", async () => {
    const prompt = [TEXT.slice(0, 16)];
    const { texts } = await write(single, prompt, { temperature: 0, maxNewTokens: 30 });
    const text = texts[0]!;
    const stop = text[7]!;
    const stopped = await write(single, prompt, { temperature: 0, maxNewTokens: 30, stopTokens: [stop] });
    expect(stopped).toEqual({ texts: [text.slice(0, text.indexOf(stop))], reasons: ["stop"] });
    const short = await model.generator({ capacity: 20 });
    const all = await write(short, prompt, { temperature: 0 });
    expect(all.reasons).toEqual(["positions"]);
    expect(all.texts[0]).toHaveLength(5); // positions 16 to 19 are read, the fifth token needs none
    await expect(short.step()).rejects.toThrow("all 20 positions of this generation are used");
    short.dispose();
    expect(await write(single, prompt, { maxNewTokens: 0 })).toEqual({ texts: [[]], reasons: [] });
  });

  test("an empty prompt stands for the padding token, or the end-of-text token where there is one", async () => {
    const options = { temperature: 0, maxNewTokens: 5 };
    expect(await write(single, [[]], options)).toEqual(await write(single, [[0]], options));
    const ends = await TestModel.create({ layers: ["local"], eosTokenId: 3 });
    const generator = await ends.generator({ capacity: 8 });
    expect(await write(generator, [[]], options)).toEqual(await write(generator, [[3]], options));
    ends.dispose();
  });

  test("a text ends at any of several end tokens, and an empty prompt stands for the first", async () => {
    const options = { temperature: 0, maxNewTokens: 30 };
    const prompt = [TEXT.slice(0, 16)];
    const config = (eosTokenId: ReformerOptions["eosTokenId"]) => ({
      layers: ["local"] as const,
      eosTokenId,
      padTokenId: null,
    });
    const endless = await TestModel.create(config(null));
    const free = await write(await endless.generator({ capacity: 60 }), prompt, options);
    const text = free.texts[0] as number[];
    expect(text).toHaveLength(30);
    const unused = Array.from({ length: 40 }, (_, token) => token).find((token) => !text.includes(token))!;
    for (const token of [text[4]!, text[9]!]) {
      const ends = await TestModel.create(config([unused, token]));
      const generator = await ends.generator({ capacity: 60 });
      expect(await write(generator, prompt, options)).toEqual({
        texts: [text.slice(0, text.indexOf(token))],
        reasons: ["stop"],
      });
      const short = { temperature: 0, maxNewTokens: 3 };
      expect(await write(generator, [[]], short)).toEqual(await write(generator, [[unused]], short));
      ends.dispose();
    }
    endless.dispose();
  });

  test("a prompt whose padding would leave the positions is read as far as it can be, the rest step by step", async () => {
    const tight = await TestModel.create({
      layers: ["local"],
      maxLength: 20,
      positions: { type: "learned" },
    });
    const expected = await tight.forward(TEXT.slice(0, 16));
    const generator = await tight.generator({ capacity: 20 });
    const { texts, reasons } = await write(generator, [TEXT.slice(0, 19)], { temperature: 0 });
    expect(texts[0]).toHaveLength(2);
    expect(reasons).toEqual(["positions"]);
    expectSame(await decodeText(generator, 16, 16), expected, 1);
    tight.dispose();
  });

  test("steps in groups write what single steps write, to the bit", async () => {
    const prompt = TEXT.slice(0, 5); // short: the first steps attend to every key, the later ones by bucket
    const sampling = { seed: 6, temperature: 0.9, topK: 12, topP: 0.95, repetitionPenalty: 1.4 };
    const alone = await model.generator({ capacity: 64 });
    await alone.prefill([prompt], sampling);
    const expected: number[] = [];
    while (expected.length < 50) expected.push((await alone.step())[0]!);
    const logits = await logitsOfRow(alone);
    alone.dispose();
    const groups: number[] = [];
    const options = { ...sampling, maxNewTokens: 50 };
    // A clock that stands still: groups grow as on a fast device, however slow this one is.
    const clock = vi.spyOn(performance, "now").mockReturnValue(0);
    onTestFinished(() => clock.mockRestore());
    for await (const { tokens } of single.generate([prompt], options)) {
      expect(tokens).toEqual([expected[groups.length]]);
      groups.push(single.position);
    }
    expect(groups).toHaveLength(50);
    expect([...new Set(groups)].map((end) => end - prompt.length)).toEqual([0, 2, 6, 14, 30, 49]); // 1, 2, 4, 8, 16, 19
    expect(await logitsOfRow(single)).toEqual(logits);
    // A group's surplus is dropped: the reader sees nothing behind a stop token, and no more than was asked for.
    const stop = expected[41]!;
    const stopped = await write(single, [prompt], { ...options, stopTokens: [stop] });
    expect(stopped).toEqual({ texts: [expected.slice(0, expected.indexOf(stop))], reasons: ["stop"] });
    const fewer = await write(single, [prompt], { ...options, maxNewTokens: 17 });
    expect(fewer.texts[0]).toEqual(expected.slice(0, 17));
  });

  test.each([
    [1, 0.1, 2, "twice as many at most"],
    [16, 1, 32, "as many as there may be"],
    [32, 0, 32, "never more"],
    [8, 32, 12, "what 50 ms hold"],
    [4, 400, 1, "a slow device: one at a time"],
  ])("nextGroup(%d steps in %d ms) is %d: %s", (count, milliseconds, expected) => {
    expect(nextGroup(count, milliseconds)).toBe(expected);
  });

  test("leaving the loop or aborting stops after a group, and the generator can be used again", async () => {
    const prompt = [TEXT.slice(0, 12)];
    for await (const { tokens } of single.generate(prompt, { seed: 4 })) {
      expect(tokens).toHaveLength(1);
      break;
    }
    expect(single.position).toBe(12);
    const controller = new AbortController();
    const aborted = (async () => {
      for await (const _ of single.generate(prompt, { signal: controller.signal })) {
        if (single.position === 14) controller.abort(new Error("enough"));
      }
    })();
    await expect(aborted).rejects.toThrow("enough");
    expect(single.position).toBe(14);
    expect((await write(single, prompt, { maxNewTokens: 3 })).texts[0]).toHaveLength(3);
  });

  test("memory is what the plan says, and returns to where it was", async () => {
    const before = model.gpu.liveBytes;
    const generator = await model.generator({ capacity: 32, batch: 2 });
    const planned = generator.plan.plan.memory;
    expect(model.gpu.liveBytes - before).toBe(planned.total - planned.weights);
    const afterCreate = model.gpu.liveBytes;
    await write(generator, [TEXT.slice(0, 17), TEXT.slice(1, 18)], { maxNewTokens: 4 });
    expect(model.gpu.liveBytes).toBe(afterCreate);
    generator.dispose();
    generator.dispose();
    expect(model.gpu.liveBytes).toBe(before);
    single.dispose();
    expect(model.gpu.liveBytes).toBe(start);
    single = await model.generator({ capacity: 64 });
  });

  test("refuses what it cannot do, saying what to do", async () => {
    const bidirectional = await TestModel.create({ layers: ["local"], causal: false });
    await expect(bidirectional.generator({ capacity: 8 })).rejects.toThrow("generate with a causal model");
    bidirectional.dispose();
    await expect(model.generator({ capacity: 97 })).rejects.toThrow("this model has 96 positions");
    await expect(model.generator({ capacity: 0 })).rejects.toThrow("shorten the prompt");
    await expect(model.generator({ capacity: 8, batch: 0 })).rejects.toThrow("1 to 65535 sequences");
    const fresh = await model.generator({ capacity: 32 });
    await expect(fresh.step()).rejects.toThrow("call prefill first");
    await expect(fresh.prefill([[1], [2]])).rejects.toThrow("2 prompts were given");
    await expect(fresh.prefill([TEXT.slice(0, 33)])).rejects.toThrow("the prompt has 33 tokens");
    await expect(fresh.prefill([[1, 40]])).rejects.toThrow("prompt token 1 is 40");
    for (const [bad, needed] of [
      [{ temperature: -1 }, "temperature is -1"],
      [{ topK: 1.5 }, "topK is 1.5"],
      [{ topP: 0 }, "topP is 0"],
      [{ repetitionPenalty: 0 }, "repetitionPenalty is 0"],
      [{ seed: -1 }, "seed is -1"],
    ] as const) {
      await expect(fresh.prefill([[1]], bad)).rejects.toThrow(needed);
    }
    await expect(write(fresh, [[1]], { maxNewTokens: -1 })).rejects.toThrow("maxNewTokens is -1");
    fresh.dispose();
  });
});
