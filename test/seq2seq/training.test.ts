// Sequence to sequence on the real path: gradients, inversion, memory and padding.
import { afterAll, expect, test } from "vitest";
import { pairLengths, type ReformerOptions, startToken } from "../../src/config/config.js";
import { planMemory } from "../../src/plan-memory.js";
import { getDevice } from "../support/device.js";
import { batchOf, disposeAll, gradientsOf, LENGTHS, makePair, PAIRS, SMALL_PAIR } from "./model.js";
import { pairReference } from "./reference.js";

afterAll(disposeAll);
const bits = (values: Float32Array) => new Uint32Array(values.buffer);

test.each<[string, ReformerOptions["positions"]]>([
  ["two", SMALL_PAIR.positions],
  ["three", { type: "axial", shape: [2, 3, 8], dims: [4, 4, 8] }],
])("loss and every gradient are those of the formulas in f64, %s axes of positions", async (_, positions) => {
  const made = await makePair({ streams: "f32", backward: "stored" }, { positions });
  const { config, weights, buckets } = made;
  const { source, target, joined } = pairLengths(config, LENGTHS.length, LENGTHS.targetLength);
  expect({ source, joined }).toEqual({ source: 24, joined: 24 });
  const sizes = { sourceLength: source, targetLength: target, joined };
  const expected = pairReference(config, weights, PAIRS, sizes, buckets);
  const { loss, gradients } = await gradientsOf(made);
  // From a weight to the loss and back at most 4 layers of 2 blocks, in each a norm, a product and a softmax (or an
  // activation) and a second product: 32 steps forward, as many back. A step's sum has at most 72 rows as terms, half of
  // its roundings of 2^-24 on average, and norms and softmax may amplify an error about fourfold in all.
  const relative = 64 * 36 * 2 ** -24 * 4;
  expect(Math.abs(loss - expected.loss)).toBeLessThan(relative * expected.loss);
  for (const [name, gradient] of gradients) {
    const truth = expected.gradients.get(name) as Float64Array;
    const largest = Math.max(...truth.map(Math.abs));
    expect(largest, name).toBeGreaterThan(0);
    const worst = Math.max(...truth.map((x, i) => Math.abs(x - (gradient[i] as number))));
    expect(worst / largest, `${name}: worst error over the largest gradient ${largest}`).toBeLessThan(
      relative,
    );
  }
  expect([...gradients.keys()].sort()).toEqual([...expected.gradients.keys()].sort());
});

test("reversible gradients with int32 streams equal stored ones to the bit", async () => {
  const reversible = await gradientsOf(await makePair({ backward: "reversible" }, {}, LENGTHS, false));
  const stored = await gradientsOf(await makePair({ backward: "stored" }, {}, LENGTHS, false));
  expect(reversible.loss).toBe(stored.loss);
  for (const [name, gradient] of reversible.gradients) {
    expect(bits(gradient), name).toEqual(bits(stored.gradients.get(name) as Float32Array));
    expect(
      gradient.some((g) => g !== 0),
      name,
    ).toBe(true);
  }
});

test("dropout is replayed: reversible gradients still equal stored ones", async () => {
  const dropout = { hiddenDropout: 0.2 };
  const reversible = await gradientsOf(await makePair({ backward: "reversible" }, dropout, LENGTHS, false));
  const stored = await gradientsOf(await makePair({ backward: "stored" }, dropout, LENGTHS, false));
  expect(reversible.loss).toBe(stored.loss);
  for (const [name, gradient] of reversible.gradients) {
    expect(bits(gradient), name).toEqual(bits(stored.gradients.get(name) as Float32Array));
  }
});

test("what stands in the padding of source and target changes nothing, LSH layers included", async () => {
  const zeros = await gradientsOf(await makePair({}, { padTokenId: 0 }, LENGTHS, false));
  const sevens = await gradientsOf(await makePair({}, { padTokenId: 7 }, LENGTHS, false));
  const none = await gradientsOf(await makePair({}, { padTokenId: null }, LENGTHS, false));
  expect(none).toEqual(zeros);
  expect(sevens.loss).toBe(zeros.loss);
  for (const [name, gradient] of sevens.gradients) {
    const other = zeros.gradients.get(name) as Float32Array;
    // Padding adds exact zeros; those of the word table join other sums: 72 rows, and what cancels.
    const word = name.includes("word_embeddings");
    const bound = word ? 72 * 2 ** -24 * Math.max(...other.map(Math.abs)) * 16 : 0;
    for (const [i, g] of gradient.entries()) {
      expect(Math.abs(g - (other[i] as number)), `${name}[${i}]`).toBeLessThanOrEqual(bound);
    }
  }
});

test("a batch's loss is that of its rows alone, also with rows missing", async () => {
  const made = await makePair({}, {}, LENGTHS, false);
  const { trainer, config } = made;
  const evaluate = (rows: readonly number[]) => {
    const pick = <T>(all: readonly T[]) => rows.map((row) => all[row] as T);
    const pairs = { sources: pick(PAIRS.sources), targets: pick(PAIRS.targets) };
    return trainer.evaluate([batchOf(pairs, startToken(config))]);
  };
  const whole = await evaluate([0, 1, 2]);
  expect(whole.tokens).toBe(8 + 7 + 2);
  let sum = 0;
  for (const row of [0, 1, 2]) {
    const { loss, tokens } = await evaluate([row]);
    sum += loss * tokens;
  }
  // The same 17 losses to the bit, summed in f32 in one sum or in three.
  expect(Math.abs(sum / 17 - whole.loss)).toBeLessThan(17 * 2 ** -24 * whole.loss);
  const { loss } = await gradientsOf(made);
  expect(Math.abs(loss - whole.loss)).toBeLessThan(17 * 2 ** -24 * loss); // scaled before or after the sum of 17
});

test("planMemory equals the bytes that were allocated, and a deeper model's streams are no larger", async () => {
  const { gpu } = await makePair({}, {}, LENGTHS, false);
  const options = { ...LENGTHS, batchSize: PAIRS.sources.length };
  const limits = (await getDevice()).limits;
  const { largestBinding: _, ...categories } = planMemory(SMALL_PAIR, options, limits);
  expect(gpu.memory).toEqual(categories);
  expect(gpu.peakBytes).toBe(categories.total);
  // Of an encoder's first two layers' gradients one more tensor is left once there are layers above them.
  const four = { ...SMALL_PAIR, encoderLayers: ["local", "lsh", "local", "lsh"] } as const;
  const deep = {
    ...SMALL_PAIR,
    layers: Array.from({ length: 12 }, (_, i) => (i % 2 ? "lsh" : "full")),
    encoderLayers: Array.from({ length: 12 }, (_, i) => (i % 2 ? "lsh" : "local")),
  } as const;
  const shallow = planMemory(four, options, limits);
  const deeper = planMemory(deep, options, limits);
  expect(deeper.streams + deeper.workspace).toBe(shallow.streams + shallow.workspace);
  const stored = planMemory(deep, { ...options, backward: "stored" }, limits);
  expect(stored.workspace).toBeGreaterThan(deeper.workspace);
});

test("a source or target beyond the plan is refused with both lengths", async () => {
  const made = await makePair();
  const end = startToken(made.config);
  const long = batchOf({ sources: [[1, 2]], targets: [[1, 2, 3, 4, 5, 6, 7, 8, 9]] }, end);
  await expect(gradientsOf(made, long)).rejects.toThrow(
    "a source of 2 and a target of 10 tokens were given to a plan for 24 and 8",
  );
});
