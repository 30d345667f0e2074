// The public calls of a sequence-to-sequence model: taught, asked, saved, refused.
import { expect, test } from "vitest";
import { resolveConfig } from "../../src/config/config.js";
import { configFromHuggingFace, configToHuggingFace } from "../../src/config/hugging-face.js";
import { ConfigError, pipeline, Reformer, TextError } from "../../src/index.js";
import { getDevice } from "../support/device.js";

/** One device for all, so that its programs are compiled once. */
const HERE = { seed: 1, device: await getDevice() };
const CONFIG = {
  head: "sequence-to-sequence",
  hiddenSize: 32,
  numHeads: 2,
  headSize: 16,
  feedForwardSize: 64,
  encoderLayers: ["local"],
  layers: ["local"], // few programs to compile: other tests have LSH layers
  localChunkLength: 4,
  localChunksAfter: 1,
  lshChunkLength: 4,
  numBuckets: 2,
  maxLength: 32,
  axialInitStd: 0.3,
  initializerRange: 0.1,
} as const;
/** Every one of four words becomes another of another length. */
const EXAMPLES = Array.from({ length: 32 }, (_, i) => ({
  text: ["ab", "cde", "fghij", "klmn"][i % 4] as string,
  target: ["xyz", "x", "zzyy", ""][i % 4] as string,
}));
const TUNING = { batchSize: 4, learningRate: 5e-3, evaluateEvery: 0, warmupSteps: 4, patience: 0 } as const;

test("a model learns pairs of texts, converts, is evaluated, saved and loaded", async () => {
  await using model = await Reformer.create(CONFIG, HERE);
  expect((await model.describe()).config).toMatchObject({ vocabSize: 257, eosTokenId: 256, causal: true });
  const before = await model.evaluate(EXAMPLES.slice(0, 4));
  await model.fineTune(EXAMPLES, { ...TUNING, steps: 60 }).finish();
  const after = await model.evaluate(EXAMPLES.slice(0, 4));
  expect(after.tokens).toBe(3 + 1 + 4 + 0 + 4); // the ends count
  expect(after.loss).toBeLessThan(before.loss / 10);
  expect(after.accuracy).toBe(1);
  const texts = ["klmn", "ab", "fghij", "cde", "ab"];
  const targets = ["", "xyz", "zzyy", "x", "xyz"];
  expect(await model.convert(texts)).toEqual(targets);
  expect(await model.convert("fghij")).toBe("zzyy");
  expect(await model.convert("fghij", { maxNewTokens: 2 })).toBe("zz");
  expect(await pipeline("text2text-generation", model)(texts)).toEqual(targets);
  const hot = { temperature: 3, maxNewTokens: 12 };
  const drawn = await model.convert(texts, { ...hot, seed: 3 });
  expect(await model.convert(texts, { ...hot, seed: 3 })).toEqual(drawn);
  expect(await model.convert(texts, { ...hot, seed: 4 })).not.toEqual(drawn);
  const files = await model.files();
  await using again = await Reformer.load(files, HERE);
  expect(await again.convert(texts)).toEqual(targets);
  const saved = await again.files();
  for (const [name, bytes] of Object.entries(files)) expect(saved[name], name).toEqual(bytes);
});

test("what does not fit is refused with what was given and what to do", async () => {
  await using model = await Reformer.create(CONFIG, HERE);
  const tune = (example: unknown, more = {}) =>
    model.fineTune([example, example] as never, { ...TUNING, steps: 1, ...more }).finish();
  await expect(tune({ text: "ab" })).rejects.toThrow("needs { text, target }");
  const long = "z".repeat(33);
  await expect(tune({ text: long, target: "x" })).rejects.toThrow(
    "a source of 34 tokens, its end included, but this run takes 32: shorten it or raise length",
  );
  await expect(tune({ text: "ab", target: "x".repeat(32) })).rejects.toThrow(
    "a target of 33 tokens, its end included, but this run takes 32: shorten it or raise targetLength",
  );
  await expect(tune({ text: "abc", target: "x" }, { length: 3 })).rejects.toThrow(TextError);
  expect(await model.convert([])).toEqual([]);
  await expect(model.convert(long)).rejects.toThrow("the source has 34 tokens, but this model takes 1 to 32");
  await expect(model.convert("ab", { maxNewTokens: 33 })).rejects.toThrow("the target has 33 tokens");
  await expect(model.convert("ab", { temperature: -1 })).rejects.toThrow("temperature is -1");
  await expect(model.embed("ab")).rejects.toThrow("ask it with convert()");
  await expect(model.classify("ab")).rejects.toThrow("needs a classification head");
  await expect(model.generate("ab").text()).rejects.toThrow("needs a language-model head");
  await expect(model.train("text ".repeat(50), { steps: 1 }).finish()).rejects.toThrow("use fineTune()");
  await expect(model.replaceHead({ head: "classification" })).rejects.toThrow("two stacks of layers");
  const stop = new AbortController();
  stop.abort(new Error("enough"));
  await expect(model.convert("ab", { signal: stop.signal })).rejects.toThrow("enough");
});

test("config.json keeps both stacks, under a kind of layer that other readers refuse", () => {
  const config = resolveConfig({ ...CONFIG, layers: ["full", "lsh"], vocabSize: 257, eosTokenId: 256 });
  const json = configToHuggingFace(config);
  expect(json).toMatchObject({
    architectures: ["ReformerForSequenceToSequence"],
    attn_layers: ["sequence-to-sequence"],
    webgpu_reformer: { layers: ["full", "lsh"], encoderLayers: ["local"] },
  });
  expect(configFromHuggingFace(JSON.parse(JSON.stringify(json)))).toEqual({
    ...config,
    extra: { architectures: ["ReformerForSequenceToSequence"] },
  });
  expect(() => configFromHuggingFace({ ...json, webgpu_reformer: {} })).toThrow(ConfigError);
});

test("settings that no sequence-to-sequence model can have are refused by name", () => {
  const given = { ...CONFIG, vocabSize: 257, eosTokenId: 256 };
  expect(() => resolveConfig({ ...given, eosTokenId: null })).toThrow("it begins and ends every target");
  expect(() => resolveConfig({ ...given, eosTokenId: [] })).toThrow("a list of at least one");
  expect(() => resolveConfig({ ...given, causal: false })).toThrow(
    "its decoder must not see what it predicts",
  );
  expect(() => resolveConfig({ ...given, encoderLayers: [] })).toThrow("encoderLayers is []");
  expect(() => resolveConfig({ encoderLayers: ["full"] })).toThrow('unless head is "sequence-to-sequence"');
  expect(resolveConfig({ ...given, encoderLayers: undefined }).encoderLayers).toEqual(["local"]);
});
