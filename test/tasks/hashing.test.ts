// One model asked under every family of hashing: its buckets are the oracles', and coverage counts their candidates.
import { afterAll, describe, expect, test } from "vitest";
import { type ReformerOptions, resolveConfig } from "../../src/config/config.js";
import { HASHINGS } from "../../src/config/hashing.js";
import { openDevice } from "../../src/engine/device.js";
import { initialValues, parameters } from "../../src/model/parameters.js";
import { candidatesOf, exactAttentionOf } from "../../src/tasks/attention-weights.js";
import { coverage } from "../../src/tasks/coverage.js";
import { inspect } from "../../src/tasks/inspect.js";
import type { TaskModel } from "../../src/tasks/reading.js";
import { characterTokenizer } from "../../src/text/character-tokenizer.js";
import type { Inspection } from "../../src/types-tasks.js";
import { cosines } from "../oracle/balance.js";
import { centreKeys } from "../oracle/centre-keys.js";
import { type Hashed, lshHash, lshHashHadamard } from "../oracle/lsh-hash.js";
import { rotationSigns, rotations } from "../oracle/rotations.js";
import { getDevice } from "../support/device.js";

const OPTIONS: ReformerOptions = {
  vocabSize: 25,
  hiddenSize: 32,
  numHeads: 2,
  headSize: 16,
  feedForwardSize: 32,
  layers: ["lsh"],
  lshChunkLength: 8,
  numHashes: 3,
  numBuckets: 8,
  maxLength: 64,
  initializerRange: 0.6,
};
const LETTERS = "abcdefghijklmnopqrstuvwx";
const TOKENS = 43;
const TEXT = Array.from({ length: TOKENS }, (_, i) => LETTERS[(i * i + (i >> 1)) % 24]).join("");
const SEED = 5;
const HEAD = 1;

const opened: Awaited<ReturnType<typeof openDevice>>[] = [];
afterAll(() => {
  for (const { base, gpu } of opened) {
    base.dispose();
    gpu.dispose();
  }
});

async function makeModel(changes: ReformerOptions = {}): Promise<TaskModel> {
  const config = resolveConfig({ ...OPTIONS, ...changes });
  const device = await openDevice(config, await getDevice());
  opened.push(device);
  for (const [i, p] of parameters(config).entries()) {
    device.base.write(device.weights.get(p.name), initialValues(p, i, 3));
  }
  return { config, tokenizer: characterTokenizer(LETTERS), seed: SEED, ...device };
}

/** The oracles' buckets of an inspected head of layer 0, from its queries and what the seed draws. */
function expected(seen: Inspection, hashing: (typeof HASHINGS)[number], causal: boolean): Hashed {
  const { paddedLength: length, headSize, rounds, queries } = seen;
  const probes = hashing === "second-probe" ? 2 : 1;
  const dims = { batch: 1, heads: 1, length, headSize, rounds, factors: [8], rotationColumns: 4 } as const;
  const masked = { ...dims, masked: true, probes } as const;
  const keyMask = Array.from({ length }, (_, i) => Number(i < seen.tokens));
  if (hashing === "hadamard") {
    const words = rounds * 3; // of a head: 16 coordinates fit one word
    const signs = rotationSigns([SEED, 0], 0, 0, 2 * words).slice(HEAD * words);
    return lshHashHadamard(masked, queries, signs, keyMask);
  }
  const count = headSize * Math.ceil(rounds / probes) * 4;
  const drawn = rotations([SEED, 0], 0, 0, 2 * count).slice(HEAD * count);
  const values = drawn.map(({ value }) => value);
  if (hashing !== "centred") return lshHash(masked, queries, values, keyMask);
  const scale = Array.from({ length }, (_, t) => {
    const key = queries.subarray(t * headSize, (t + 1) * headSize);
    return 1 / Math.hypot(...key);
  });
  const { centred } = centreKeys({ ...dims, causal, masked: true }, queries, scale, keyMask);
  return lshHash(masked, centred, values, keyMask);
}

describe("inspect(text, { hashing })", () => {
  test.each([
    ["rotations", true],
    ["hadamard", true],
    ["second-probe", true],
    ["centred", true],
    ["centred", false],
  ] as const)("%s, causal %s: the buckets are the oracles'", async (hashing, causal) => {
    const model = await makeModel(causal ? {} : { head: "none", causal: false });
    const seen = await inspect(model, TEXT, { layer: 0, head: HEAD, hashing });
    const { buckets, margins, magnitudes } = expected(seen, hashing, causal);
    // Cosines of Box and Muller are off by 2^-11 in WGSL: so is every term, up to 3 times. Signs are exact.
    const error = hashing === "hadamard" ? 2 ** -16 : 3 * 2 ** -11;
    const sure = margins.map((margin, i) => margin > 2 * error * magnitudes[i]!);
    expect(buckets.filter((bucket, i) => sure[i] && bucket !== seen.buckets[i])).toEqual([]);
    expect(sure.filter(Boolean).length).toBeGreaterThan(0.9 * sure.length);
  });

  test("balanced: buckets of 5 or 6 of 43 tokens each, in the order of their projections", async () => {
    const seen = await inspect(await makeModel(), TEXT, { layer: 0, head: HEAD, hashing: "balanced" });
    const { paddedLength: length, headSize, rounds, queries } = seen;
    const drawn = rotations([SEED, 0], 0, 0, 2 * headSize * rounds).slice(headSize * rounds);
    const dims = { batch: 1, heads: 1, length, headSize, rounds, levels: 1, level: 0 };
    const along = cosines(
      dims,
      queries,
      drawn.map(({ value }) => value),
    );
    for (let round = 0; round < rounds; round++) {
      const tokens = Array.from({ length: TOKENS }, (_, t) => round * length + t);
      const groups = Array.from({ length: 8 }, (_, bucket) =>
        tokens.filter((at) => seen.buckets[at] === bucket).map((at) => along[at] as number),
      );
      expect(groups.map((group) => group.length).sort()).toEqual([5, 5, 5, 5, 5, 6, 6, 6]);
      // 16 bits of projection, and directions that are off by 3·2^-11 a term.
      for (let bucket = 1; bucket < 8; bucket++) {
        expect(Math.min(...groups[bucket]!)).toBeGreaterThan(Math.max(...groups[bucket - 1]!) - 2 ** -8);
      }
    }
  });
});

test.each(HASHINGS)(
  "coverage(text, { hashing: %j }) is the share of exact attention on its candidates",
  async (hashing) => {
    const model = await makeModel();
    const covered = await coverage(model, TEXT, { rounds: [3], hashing });
    expect(covered.map(({ head, rounds }) => [head, rounds])).toEqual([0, 1].map((head) => [head, 3]));
    for (const { head, mean, fullest } of covered) {
      const seen = await inspect(model, TEXT, { layer: 0, head, hashing });
      const shares = Array.from({ length: TOKENS }, (_, token) => {
        const candidates = candidatesOf(seen, token);
        const found = exactAttentionOf(seen, token).filter(({ key }) => candidates.has(key));
        return found.reduce((sum, { weight }) => sum + weight, 0);
      });
      // Scores of f32 products of 16 terms differ by about 16·2^-24·|s|, |s| up to 50: a share by less than 1e-4.
      expect(Math.abs(mean - shares.reduce((a, b) => a + b, 0) / TOKENS)).toBeLessThan(1e-4);
      let most = 0;
      for (let round = 0; round < 3; round++) {
        const ids = [...seen.buckets].slice(round * seen.paddedLength, round * seen.paddedLength + TOKENS);
        most += Math.max(
          ...Array.from({ length: 8 }, (_, bucket) => ids.filter((id) => id === bucket).length),
        );
      }
      expect(fullest).toBeCloseTo((most / 3) * (8 / TOKENS), 10);
    }
  },
);

test("a family that is not there is refused by name", async () => {
  const model = await makeModel();
  await expect(coverage(model, TEXT, { hashing: "spherical" as never })).rejects.toThrow(
    'hashing is "spherical", but must be one of rotations, hadamard, second-probe, centred, balanced',
  );
});
