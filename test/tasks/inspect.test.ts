import { afterAll, describe, expect, test } from "vitest";
import { type ReformerOptions, resolveConfig } from "../../src/config/config.js";
import { openDevice } from "../../src/engine/device.js";
import { initialValues, parameters } from "../../src/model/parameters.js";
import { attentionOf, candidatesOf, exactAttentionOf } from "../../src/tasks/attention-weights.js";
import { coverage } from "../../src/tasks/coverage.js";
import { inspect } from "../../src/tasks/inspect.js";
import type { TaskModel } from "../../src/tasks/reading.js";
import { characterTokenizer } from "../../src/text/character-tokenizer.js";
import type { Inspection } from "../../src/types-tasks.js";
import { attentionPairs } from "../oracle/chunk-attention.js";
import { getDevice } from "../support/device.js";

/** Weights large enough that attention is far from even, and lengths that need padding. */
const OPTIONS: ReformerOptions = {
  vocabSize: 25,
  hiddenSize: 32,
  numHeads: 2,
  headSize: 16,
  feedForwardSize: 32,
  layers: ["local", "lsh", "full"],
  lshChunkLength: 8,
  localChunkLength: 8,
  numHashes: 2,
  numBuckets: 4,
  maxLength: 64,
  initializerRange: 0.6,
};
const TOKENS = 43;
const LETTERS = "abcdefghijklmnopqrstuvwx";
const TEXT = Array.from({ length: TOKENS }, (_, i) => LETTERS[(i * i + (i >> 1)) % 24]).join("");
const CASES: readonly [why: string, options: ReformerOptions][] = [
  ["causal, every meeting counts", {}],
  ["both ways, chunks after, each key once", { causal: false, lshChunksAfter: 1, duplicates: "once" }],
  ["own bucket only, each key once", { acrossBuckets: false, duplicates: "once" }],
];
const opened: Awaited<ReturnType<typeof openDevice>>[] = [];
afterAll(() => {
  for (const { base, gpu } of opened) {
    base.dispose();
    gpu.dispose();
  }
});

async function makeModel(changes: ReformerOptions) {
  const config = resolveConfig({ ...OPTIONS, ...changes });
  const device = await openDevice(config, await getDevice());
  opened.push(device);
  for (const [i, p] of parameters(config).entries()) {
    device.base.write(device.weights.get(p.name), initialValues(p, i, 3));
  }
  const tokenizer = characterTokenizer(LETTERS);
  return { config, tokenizer, seed: 5, ...device } satisfies TaskModel;
}

/** The same head in the oracle of the attention kernels. */
function pairsOf(seen: Inspection) {
  const { paddedLength, headSize, rounds, chunkLength, chunksBefore, chunksAfter } = seen;
  const keyMask = Array.from({ length: paddedLength }, (_, i) => Number(i < seen.tokens));
  return attentionPairs(
    {
      ...{
        batch: 1,
        heads: 1,
        length: paddedLength,
        headSize,
        rounds,
        chunkLength,
        chunksBefore,
        chunksAfter,
      },
      ...{ causal: seen.causal, shared: seen.shared, sorted: seen.order.length > 0, masked: true },
      ...{ duplicates: seen.duplicates, acrossBuckets: seen.acrossBuckets },
    },
    {
      q: seen.queries,
      k: seen.keys.map((x) => x * Math.sqrt(headSize)),
      v: seen.queries,
      keyMask,
      order: seen.order,
      bucketIds: seen.buckets,
    },
  ).pairs;
}

describe.each(CASES)("%s", (_why, changes) => {
  test.each([0, 1, 2])("layer %i: weights are those of the attention's oracle", async (layer) => {
    const model = await makeModel(changes);
    const seen = await inspect(model, TEXT, { layer, head: 1 });
    expect(seen.tokens).toBe(TOKENS);
    expect(seen.texts.join("")).toBe(TEXT);
    const pairs = pairsOf(seen);
    for (let token = 0; token < TOKENS; token++) {
      const expected = new Map<number, number>();
      for (const { key, weight } of pairs[token] ?? []) expected.set(key, (expected.get(key) ?? 0) + weight);
      const found = attentionOf(seen, token);
      expect(found.reduce((sum, { weight }) => sum + weight, 0)).toBeCloseTo(1, 10);
      for (const { key, weight } of found)
        expect(weight, `${token} to ${key}`).toBeCloseTo(expected.get(key) ?? 0, 6);
    }
  });

  test("coverage is the share of exact attention on the candidates", async () => {
    const model = await makeModel(changes);
    const rounds = [1, 2, 4];
    const covered = await coverage(model, TEXT, { rounds });
    expect(covered.map(({ layer, head, rounds: count }) => [layer, head, count])).toEqual([
      ...[0, 1].map((head) => [0, head, 1]),
      ...[0, 1].flatMap((head) => rounds.map((count) => [1, head, count])),
    ]);
    for (const { layer, head, rounds: count, mean, low } of covered) {
      const hashed = { ...model, config: { ...model.config, numHashes: count } };
      const seen = await inspect(hashed, TEXT, { layer, head });
      const shares = Array.from({ length: TOKENS }, (_, token) => {
        const candidates = candidatesOf(seen, token);
        return exactAttentionOf(seen, token)
          .filter(({ key }) => candidates.has(key))
          .reduce((sum, { weight }) => sum + weight, 0);
      });
      // Scores of f32 products of 16 terms differ by about 16·2^-24·|s|, |s| up to 50: a share by less than 1e-4.
      expect(mean).toBeGreaterThan(shares.reduce((a, b) => a + b, 0) / TOKENS - 1e-4);
      expect(mean).toBeLessThan(shares.reduce((a, b) => a + b, 0) / TOKENS + 1e-4);
      expect(low).toBeCloseTo(shares.sort((a, b) => a - b)[Math.floor(TOKENS / 10)] as number, 3);
    }
    const meanOf = (count: number) =>
      covered
        .filter(({ kind, rounds: r }) => kind === "lsh" && r === count)
        .reduce((sum, { mean }) => sum + mean, 0);
    expect(meanOf(4)).toBeGreaterThan(meanOf(1));
  });
});

test("layers, heads and tokens that are not there are refused by name", async () => {
  const model = await makeModel({});
  await expect(inspect(model, TEXT, { layer: 3 })).rejects.toThrow(
    "layer is 3, but this model has layers 0 to 2",
  );
  await expect(inspect(model, TEXT, { layer: 0, head: -1 })).rejects.toThrow(
    "head is -1, but this model has heads 0 to 1",
  );
  expect(() => attentionOf(inspectionOf(), 9)).toThrow("token is 9, but this sequence has tokens 0 to 1");
});

function inspectionOf(): Inspection {
  return {
    ...{ layer: 0, head: 0, kind: "full", tokens: 2, texts: ["a", "b"], paddedLength: 2, headSize: 4 },
    ...{ queries: new Float32Array(8), keys: new Float32Array(8), causal: true, shared: false, rounds: 1 },
    ...{ chunkLength: 2, chunksBefore: 0, chunksAfter: 0, duplicates: "count", acrossBuckets: true },
    ...{ buckets: new Uint32Array(0), order: new Uint32Array(0) },
  };
}
