// Examples as batches, without a GPU.
import { describe, expect, test } from "vitest";
import { resolveConfig } from "../../src/config/config.js";
import { Random } from "../../src/random.js";
import { convert } from "../../src/tasks/convert.js";
import {
  ExampleSource,
  encodeExamples,
  labelTargets,
  longestExample,
  splitExamples,
} from "../../src/tasks/examples.js";
import { MASK_SHARE, maskTokens } from "../../src/tasks/masking.js";
import { encodeQuestion, tokensOfSpan } from "../../src/tasks/question.js";
import type { TaskModel } from "../../src/tasks/reading.js";
import { trainBpe } from "../../src/text/bpe-training.js";
import { byteTokenizer } from "../../src/text/byte-tokenizer.js";

const tokenizer = byteTokenizer();
const classifier = resolveConfig({ head: "classification", labels: ["sea", "land"] });

describe("examples of a classification head", () => {
  test("are padded on the right, with their lengths, labels and weights", async () => {
    const encoded = await encodeExamples(
      { config: classifier, tokenizer },
      [
        { text: "abc", label: "land" },
        { text: "defgh", label: 0 },
      ],
      { length: 4, classWeights: [1, 3] },
    );
    const [batch] = [...new ExampleSource(classifier, encoded, 0.15).inOrder({ batchSize: 3, length: 4 }, 0)];
    expect([...(batch?.inputs ?? [])]).toEqual([97, 98, 99, 0, 100, 101, 102, 103]); // cut at 4 tokens
    expect(batch).toMatchObject({ lengths: [3, 4], batchSize: 2, counted: 4 });
    expect([...(batch?.targets ?? [])]).toEqual([1, 0]);
    expect([...(batch?.weights ?? [])]).toEqual([3, 1]);
  });

  test("come once in every pass, in an order that the seed and the pass decide", async () => {
    const texts = Array.from({ length: 6 }, (_, i) => ({ text: String.fromCharCode(97 + i), label: i % 2 }));
    const encoded = await encodeExamples({ config: classifier, tokenizer }, texts, { length: 1 });
    const pass = (seed: number, first: number) => {
      const source = new ExampleSource(classifier, encoded, 0.15);
      return [0, 1, 2].flatMap((i) => [...source.batch(first + i, { batchSize: 2, length: 1 }, seed).inputs]);
    };
    expect(pass(1, 0).sort((a, b) => a - b)).toEqual([97, 98, 99, 100, 101, 102]);
    expect(pass(1, 0)).toEqual(pass(1, 0));
    expect(pass(1, 0)).not.toEqual(pass(1, 3));
    expect(pass(1, 0)).not.toEqual(pass(2, 0));
  });

  test("refuse wrong labels by name", () => {
    const label = (given: string | number | readonly (string | number)[], config = classifier) =>
      labelTargets(config, "examples[0]", { text: "a", label: given });
    expect(label("sea")).toEqual([0]);
    expect(() => label("air")).toThrow('examples[0] has the label "air", but needs labels among sea, land');
    expect(() => label(2)).toThrow("needs labels among");
    expect(() => label(["sea", "land"])).toThrow("exactly one label");
    const several = resolveConfig({ head: "classification", numLabels: 3, problemType: "multi-label" });
    expect(label(["LABEL_2", 0], several)).toEqual([1, 0, 1]);
    expect(label([], several)).toEqual([0, 0, 0]);
    const number = resolveConfig({ head: "classification", numLabels: 1 });
    expect(number.problemType).toBe("regression");
    expect(label(0.5, number)).toEqual([0.5]);
    expect(() => label("high", number)).toThrow("needs a number");
  });
});

test("pairs of long texts can be aborted, to be taught and to be converted", async () => {
  const pieces = await trainBpe("the whale and the sea ".repeat(20), { vocabSize: 300 });
  const config = resolveConfig({ head: "sequence-to-sequence", vocabSize: 301, eosTokenId: 300 });
  const model = { config, tokenizer: pieces };
  const book = "the whale and the sea ".repeat(1e6);
  const aborted = () => {
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 1);
    return { length: 64, signal: stop.signal };
  };
  const refused = { name: "AbortError" };
  const teach = (text: string, target: string) => encodeExamples(model, [{ text, target }], aborted());
  await expect(teach(book, "")).rejects.toMatchObject(refused);
  await expect(teach("", book)).rejects.toMatchObject(refused);
  await expect(longestExample(model, [{ text: "", target: book }], aborted().signal)).rejects.toMatchObject(
    refused,
  );
  // It ends before it needs a device.
  const { signal } = aborted();
  await expect(convert(model as TaskModel, [book], { signal })).rejects.toMatchObject(refused);
});

describe("questions", () => {
  test("an answer of several bytes a character becomes its tokens, and comes back as the same text", async () => {
    const context = "Die See ist weiß, öde.";
    const encoded = await encodeQuestion(tokenizer, { question: "Wie?", context });
    const start = context.indexOf("weiß");
    const [first, last] = tokensOfSpan(encoded, start, start + 4) as [number, number];
    expect(tokenizer.decode(encoded.tokens.subarray(first, last + 1))).toBe("weiß");
    const { contextStart, spans } = encoded;
    expect(context.slice(spans[first - contextStart]?.start, spans[last - contextStart]?.end)).toBe("weiß");
    expect(tokensOfSpan(encoded, 99, 100)).toBeUndefined();
  });

  test("become start and end, half an answer each; those without an answer point at the first token", async () => {
    const config = resolveConfig({ head: "question-answering" });
    const encoded = await encodeExamples(
      { config, tokenizer },
      [
        { question: "who", context: "the cat", answer: { text: "cat", start: 4 } },
        { question: "who", context: "the cat", answer: null },
      ],
      { length: 16 },
    );
    const [batch] = [...new ExampleSource(config, encoded, 0.15).inOrder({ batchSize: 2, length: 16 }, 0)];
    expect([...(batch?.targets ?? [])]).toEqual([8, 10, 0, 0]); // "who\n" is 4 tokens
    expect([...(batch?.weights ?? [])]).toEqual([0.5, 0.5, 0.5, 0.5]);
    expect(batch?.counted).toBe(2);
    const wrong = [{ question: "who", context: "the cat", answer: { text: "cat", start: 3 } }];
    await expect(encodeExamples({ config, tokenizer }, wrong, { length: 16 })).rejects.toThrow(
      'examples[0]: the context does not hold "cat" at 3',
    );
  });
});

test("maskTokens() hides 15 %: of these 80 % behind the mask, 10 % behind any token, 10 % not at all", () => {
  const config = { maskTokenId: 256, vocabSize: 257 };
  const count = 40_000;
  const before = Uint32Array.from({ length: count }, (_, i) => i % 200);
  const inputs = before.slice();
  const { targets, counted } = maskTokens(config, inputs, [count], MASK_SHARE, new Random(3));
  const hidden = [...targets.keys()].filter((i) => targets[i] !== -100);
  expect(hidden.length).toBe(counted);
  expect(hidden.every((i) => targets[i] === before[i])).toBe(true);
  const share = (of: number, all: number, expected: number) =>
    // Five standard deviations of a binomial share.
    expect(Math.abs(of / all - expected)).toBeLessThan(5 * Math.sqrt((expected * (1 - expected)) / all));
  share(counted, count, 0.15);
  share(hidden.filter((i) => inputs[i] === 256).length, counted, 0.8 + 0.1 / 257);
  share(hidden.filter((i) => inputs[i] === before[i]).length, counted, 0.1 + 0.1 / 257);
  expect(inputs.filter((id, i) => targets[i] === -100 && id !== before[i])).toHaveLength(0);
  expect(() => maskTokens({ ...config, maskTokenId: null }, inputs, [1], 0.15, new Random(1))).toThrow(
    "maskTokenId is null",
  );
});

test("splitExamples() draws the held-out share with the seed and leaves some to train on", () => {
  const all = Array.from({ length: 20 }, (_, i) => i);
  const { train, heldOut } = splitExamples(all, 0.1, 1);
  expect(heldOut).toHaveLength(2);
  expect([...train, ...heldOut].sort((a, b) => a - b)).toEqual(all);
  expect(splitExamples(all, 0.1, 1).heldOut).toEqual(heldOut);
  expect(() => splitExamples([1], 0.1, 1)).toThrow("leave none to train on");
});
