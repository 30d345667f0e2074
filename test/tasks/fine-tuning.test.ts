// Heads that learn: the public calls on this thread, on a model small enough for a software GPU.
import { expect, test } from "vitest";
import { type Example, type FineTuneStep, pipeline, Reformer } from "../../src/index.js";
import { SMALL } from "../api/small-model.js";
import { getDevice } from "../support/device.js";

/** One device for all, so that its programs are compiled once. */
const HERE = { seed: 1, device: await getDevice() };
const BODY = { ...SMALL, axialInitStd: 0.1, initializerRange: 0.1 };
const TUNING = { batchSize: 4, learningRate: 4e-3, evaluateEvery: 20, warmupSteps: 2 } as const;

/** Texts of different lengths whose label is their first word. */
const EXAMPLES = Array.from({ length: 40 }, (_, i) => ({
  text: `${i % 2 === 0 ? "sea" : "land"} ${"x".repeat(i % 19)}`,
  label: i % 2 === 0 ? "wet" : "dry",
}));

test("a new head on an old body learns labels, is asked, saved and loaded", async () => {
  await using model = await Reformer.create(BODY, HERE);
  await expect(model.classify("sea")).rejects.toThrow("this model's head is language-model");
  const before = await model.embed("sea");
  await model.replaceHead({ head: "classification", labels: ["wet", "dry"] });
  expect((await model.describe()).config).toMatchObject({ head: "classification", causal: false });
  expect(before).toHaveLength(2 * 32);
  const steps: FineTuneStep[] = [];
  for await (const step of model.fineTune(EXAMPLES, { ...TUNING, steps: 40 })) steps.push(step);
  expect(steps).toHaveLength(40);
  expect(steps.at(-1)?.heldOut?.accuracy).toBe(1);
  expect(steps.at(-1)?.loss).toBeLessThan((steps[0]?.loss ?? 0) / 2);
  const [best] = await model.classify("sea xxxx", { topK: 1 });
  expect(best?.label).toBe("wet");
  const both = await pipeline("text-classification", model)(["sea x", "land xxxxxxx"]);
  expect(both.map(([first]) => first?.label)).toEqual(["wet", "dry"]);
  for (const scores of both) expect(scores.reduce((sum, { score }) => sum + score, 0)).toBeCloseTo(1, 6);
  await expectEvidence(model);
  await using again = await Reformer.load(await model.files(), HERE);
  expect(await again.classify(["sea x", "land xxxxxxx"])).toEqual(both);
});

/** The first word is the evidence: so says `explain()`, and so says taking it out. */
async function expectEvidence(model: Reformer): Promise<void> {
  const { target, probability, tokens } = await model.explain("land xxxxxx");
  expect(target).toBe("dry");
  const evidenceOf = (from: number, to: number) =>
    tokens.slice(from, to).reduce((sum, { evidence }) => sum + evidence, 0);
  expect(evidenceOf(0, 4)).toBeGreaterThan(2 * Math.abs(evidenceOf(4, 11)));
  const dry = async (text: string) =>
    (await model.classify(text)).find(({ label }) => label === "dry")?.score ?? Number.NaN;
  expect(await dry("land xxxxxx")).toBeCloseTo(probability, 5);
  expect(await dry("xxxx xxxxxx"), "without the word").toBeLessThan(0.8 * probability);
  expect(await dry("land xxyyxx"), "without other letters").toBeGreaterThan(0.8 * probability);
}

test("freeze leaves the named parameters as they were, to the bit", async () => {
  await using model = await Reformer.create(
    { ...BODY, head: "classification", labels: ["wet", "dry"] },
    HERE,
  );
  const before = await model.embed("land xx");
  await model.fineTune(EXAMPLES, { ...TUNING, steps: 3, freeze: ["reformer."] }).finish();
  expect(await model.embed("land xx")).toEqual(before);
  await model.fineTune(EXAMPLES, { ...TUNING, steps: 3, resume: false }).finish();
  expect(await model.embed("land xx")).not.toEqual(before);
  const wrong = model.fineTune(EXAMPLES, { ...TUNING, steps: 3, freeze: ["body."] }).finish();
  await expect(wrong).rejects.toThrow('freeze is "body."');
});

test("a run that no longer gets better stops, and the best weights stay", async () => {
  await using model = await Reformer.create(
    { ...BODY, head: "classification", labels: ["wet", "dry"] },
    HERE,
  );
  const heldOut = EXAMPLES.slice(0, 8);
  const options = {
    ...TUNING,
    heldOut,
    evaluateEvery: 1,
    patience: 2,
    learningRate: 0.5,
    schedule: "constant",
  };
  const losses: number[] = [];
  const examples: Example[] = EXAMPLES.slice(8).map(({ text, label }) => ({
    text,
    label: label === "wet" ? "dry" : "wet", // what is learnt is wrong: the held-out loss rises
  }));
  const summary = await model.fineTune(examples, { ...options, steps: 30 } as never).finish();
  expect(summary.step).toBeLessThan(30);
  expect(summary.step - (summary.best?.step ?? 0)).toBe(2);
  const scores = await model.classify(heldOut.map(({ text }) => text));
  for (const [i, { label }] of heldOut.entries()) {
    losses.push(-Math.log(scores[i]?.find((one) => one.label === label)?.score ?? 0));
  }
  const mean = losses.reduce((sum, x) => sum + x, 0) / losses.length;
  // int32 streams in training, f32 here: 2^-17 per residual add, grown by the layers; the loss is of size 1.
  expect(Math.abs(mean - (summary.best?.loss ?? 0))).toBeLessThan(1e-3 * Math.max(1, mean));
});

test("a question-answering head learns where answers stand", async () => {
  await using model = await Reformer.create({ ...BODY, head: "question-answering" }, HERE);
  const examples = Array.from({ length: 24 }, (_, i) => {
    const context = `${"ab ".repeat(i % 5)}#${"cd ".repeat((i * 3) % 4)}`;
    return { question: "?", context, answer: { text: "#", start: context.indexOf("#") } };
  });
  await model.fineTune(examples, { ...TUNING, steps: 60, patience: 0 }).finish();
  const [found] = await model.answer({ question: "?", context: "ab ab #cd " });
  expect(found).toMatchObject({ text: "#", start: 6, end: 7 });
  const several = await model.answer(
    { question: "?", context: "ab ab #cd " },
    { topK: 3, maxAnswerTokens: 2 },
  );
  expect(several).toHaveLength(3);
  expect(several[0]?.score).toBeGreaterThanOrEqual(several[1]?.score ?? 1);
});

test("a masked language model learns from texts, and fills masks", async () => {
  const head = { head: "masked-language-model" } as const;
  await using model = await Reformer.create({ ...BODY, ...head }, HERE);
  const { config } = await model.describe();
  expect(config).toMatchObject({ vocabSize: 257, maskTokenId: 256, causal: false });
  const text = "abcd".repeat(400);
  const run = await model
    .train(text, { steps: 40, length: 64, learningRate: 8e-3, evaluateEvery: 0 })
    .finish();
  expect(run.loss).toBeLessThan(3);
  const [first, second] = await model.fillMask(`${"abcd".repeat(4)}ab[MASK]d${"abcd".repeat(4)}[MASK]bcd`);
  expect(first).toHaveLength(5);
  expect("abcd").toContain(first?.[0]?.text ?? "none");
  expect("abcd").toContain(second?.[0]?.text ?? "none");
  await model
    .fineTune([{ text }, { text: "abcdabcd" }], { ...TUNING, batchSize: 1, length: 64, steps: 2 })
    .finish();
  await expect(model.fillMask("abc")).rejects.toThrow("holds no [MASK]");
});

test("score() agrees with evaluate(): the same bits for the same text", async () => {
  await using model = await Reformer.create(BODY, HERE);
  const text = "The whale swims, the ship follows.";
  const { tokens, bits, bitsPerByte } = await model.score(text);
  expect(tokens).toHaveLength(text.length - 1);
  expect(tokens.map((one) => one.text).join("")).toBe(text.slice(1));
  expect(bitsPerByte).toBeCloseTo(bits / (text.length - 1), 12);
  expect(bits).toBeCloseTo(
    tokens.reduce((sum, one) => sum + one.bits, 0),
    9,
  );
  const { loss, tokens: predicted } = await model.evaluate(text, { length: text.length - 1 });
  // The same losses, summed in f32 there: 33 roundings of a sum of 33 positive terms.
  expect(Math.abs(bits - (loss * predicted) / Math.LN2)).toBeLessThan(33 * 2 ** -24 * bits);
  await expect(model.score("a")).rejects.toThrow("a prediction needs two");
});

test("the mean of all tokens sees a label that the first token cannot", async () => {
  // One local layer with chunks of 8: the first token sees 16 tokens, and the word that decides is the last of 40.
  const far = Array.from({ length: 40 }, (_, i) => ({
    text: `${"x".repeat(34 + (i % 3))} ${i % 2 === 0 ? "sea" : "land"}`,
    label: i % 2 === 0 ? "wet" : "dry",
  }));
  const body = {
    ...BODY,
    layers: ["local"],
    localChunkLength: 8,
    localChunksAfter: 1,
    causal: false,
  } as const;
  const head = { head: "classification", labels: ["wet", "dry"] } as const;
  const bestLoss = async (classifierPooling: "first" | "mean") => {
    await using model = await Reformer.create({ ...body, ...head, classifierPooling }, HERE);
    const { best } = await model.fineTune(far, { ...TUNING, steps: 40, heldOut: far.slice(0, 8) }).finish();
    if (classifierPooling === "mean") {
      const files = await model.files();
      await using again = await Reformer.load(files, HERE);
      expect((await again.describe()).config.classifierPooling).toBe("mean");
      expect(await again.classify("xx land")).toEqual(await model.classify("xx land"));
      const json = JSON.parse(new TextDecoder().decode(files["config.json"]));
      expect(json).toMatchObject({ webgpu_reformer: { classifierPooling: "mean" } });
      await again.replaceHead({ ...head });
      expect((await again.describe()).config.classifierPooling, "the choice of a new head").toBe("first");
    }
    return best?.loss;
  };
  expect(await bestLoss("mean")).toBeLessThan(0.2);
  expect(await bestLoss("first"), "ln 2 is to know nothing").toBeGreaterThan(0.6);
});
