// Writing through the public API: several prompts at once, and stop strings.
import { expect, test } from "vitest";
import { pipeline, Reformer } from "../../src/index.js";
import { getDevice } from "../support/device.js";
import { SMALL, TEXT } from "./small-model.js";

const OPTIONS = { maxNewTokens: 12, temperature: 0 } as const;
const PROMPTS = ["The whale ", "the", "ship follows; the sea "];
const device = await getDevice();

/** Large weights, so that its choices are clear. Windows do not depend on what else is in the batch. */
const localModel = () =>
  Reformer.create(
    { ...SMALL, layers: ["local", "local"], initializerRange: 0.3 },
    { device, seed: 1, tokenizer: { type: "characters" }, text: TEXT },
  );

test("generate(prompts) writes what each prompt gets alone; pieces say whose they are", async () => {
  await using model = await localModel();
  const alone: string[] = [];
  for (const prompt of PROMPTS) alone.push(await model.generate(prompt, OPTIONS).text());
  expect(new Set(alone).size).toBeGreaterThan(1);
  expect(await model.generate(PROMPTS, OPTIONS).texts()).toEqual(alone);
  expect(await pipeline("text-generation", model)(PROMPTS, OPTIONS).text()).toBe(alone[0]);
  const texts = PROMPTS.map(() => "");
  for await (const { text, prompt } of model.generate(PROMPTS, OPTIONS)) texts[prompt] += text;
  expect(texts).toEqual(alone);
  expect(await model.generate([], OPTIONS).texts()).toEqual([]);
});

test("a stop string ends its own prompt's text before it, and no other", async () => {
  await using model = await localModel();
  const [first = "", second = ""] = await model.generate(PROMPTS.slice(0, 2), OPTIONS).texts();
  const stop = first.slice(3, 5);
  const expected = (text: string) => (text.includes(stop) ? text.slice(0, text.indexOf(stop)) : text);
  const stopped = await model.generate(PROMPTS.slice(0, 2), { ...OPTIONS, stop }).texts();
  expect(stopped).toEqual([expected(first), expected(second)]);
  expect(stopped[0]).not.toBe(first);
});

test("with LSH layers several prompts give the same texts every time", async () => {
  await using model = await Reformer.create(SMALL, { device, seed: 1 });
  const sampled = { maxNewTokens: 24, seed: 5 };
  const once = await model.generate(PROMPTS, sampled).texts();
  expect(once.map((text) => text.length > 0)).toEqual([true, true, true]);
  expect(await model.generate(PROMPTS, sampled).texts()).toEqual(once);
});

test("a wrong option is refused where the text is asked for, however it is asked for", async () => {
  await using model = await localModel();
  const wrong = model.generate("a", { numHashes: -1 });
  const refused = { name: "ConfigError", message: expect.stringContaining("numHashes") };
  await expect(wrong.text()).rejects.toMatchObject(refused);
  const texts = wrong.texts(); // a promise, not an exception
  await expect(texts).rejects.toMatchObject(refused);
  const pieces = wrong[Symbol.asyncIterator]();
  await expect(pieces.next()).rejects.toMatchObject(refused);
  expect(await model.generate("a", { maxNewTokens: 1 }).texts()).toHaveLength(1); // no later call waits for it
});
