// Rounds of hashing for one call, as the reference's num_hashes at inference.
import { expect, test } from "vitest";
import { ConfigError, Reformer } from "../../src/index.js";
import { SHORT, SMALL } from "../api/small-model.js";
import { getDevice } from "../support/device.js";

const device = await getDevice();
const OPTIONS = { device, seed: 1 } as const;
const MODEL = { ...SMALL, numHashes: 1, hashSeed: 3, initializerRange: 0.3 } as const;

test("numHashes of a call gives what a model of that many rounds and the same weights gives", async () => {
  await using one = await Reformer.create(MODEL, OPTIONS);
  await using four = await Reformer.create({ ...MODEL, numHashes: 4 }, OPTIONS);
  const text = SHORT.slice(0, 128);
  const plain = await one.evaluate(text, { length: 127 });
  const asked = await one.evaluate(text, { length: 127, numHashes: 4 });
  expect(asked).toEqual(await four.evaluate(text, { length: 127 }));
  expect(asked.loss).not.toBe(plain.loss);
  expect(await one.score(text, { numHashes: 4 })).toEqual(await four.score(text));
  expect(await one.embed([text], { numHashes: 4 })).toEqual(await four.embed([text]));
  expect((await one.inspect(text, { layer: 1, numHashes: 4 })).rounds).toBe(4);
  const writing = { maxNewTokens: 8, temperature: 0 } as const;
  expect(await one.generate(text.slice(0, 60), { ...writing, numHashes: 4 }).text()).toBe(
    await four.generate(text.slice(0, 60), writing).text(),
  );
  expect(await one.evaluate(text, { length: 127 })).toEqual(plain); // the model is as it was
});

test.each([0, 1.5, 65, Number.NaN])("numHashes of %d is refused by its name", async (numHashes) => {
  await using model = await Reformer.create(MODEL, OPTIONS);
  const error = await model.score("abc", { numHashes }).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(ConfigError);
  expect(String(error)).toContain(`numHashes is ${numHashes}`);
});

test("evaluate(text, { lsh: false }) is the loss without what the LSH layers add", async () => {
  await using model = await Reformer.create(MODEL, OPTIONS);
  await using local = await Reformer.create({ ...MODEL, layers: ["local", "local"] }, OPTIONS);
  const all = await model.evaluate(SHORT, { length: 128 });
  const without = await model.evaluate(SHORT, { length: 128, lsh: false });
  expect(without.loss).not.toBe(all.loss);
  // Whatever the hashing, as nothing of it is left.
  expect(await model.evaluate(SHORT, { length: 128, lsh: false, numHashes: 4 })).toEqual(without);
  expect(await local.evaluate(SHORT, { length: 128, lsh: false })).toEqual(
    await local.evaluate(SHORT, { length: 128 }),
  );
});
