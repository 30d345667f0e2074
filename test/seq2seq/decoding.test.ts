// Decoding with caches against the forward pass over source and target together.
import { afterAll, expect, test } from "vitest";
import { startToken } from "../../src/config/config.js";
import { convertTokens } from "../../src/generate/pairs.js";
import { Random } from "../../src/random.js";
import type { Planner } from "../../src/scheduler/plan.js";
import { profileOf } from "../../src/scheduler/profile.js";
import { batchOf, disposeAll, LENGTHS, type MadePair, makePair, PAIRS } from "./model.js";
import type { Pairs } from "./reference.js";

afterAll(disposeAll);
const MOST = LENGTHS.targetLength - 1;

/** Greedy targets of sources of one length, side by side. */
function convert({ gpu, config, base, trainer }: MadePair, sources: readonly (readonly number[])[]) {
  const profile = profileOf(gpu.device);
  const planner: Planner = { profile, plan: async (make) => make(profile) };
  const model = { config, gpu, base, weights: trainer.plan.weights, planner };
  return convertTokens(model, sources, { maxNewTokens: MOST, seed: 5 });
}

/** Every token decoded is the one that the forward pass finds most probable. */
async function agrees(made: MadePair, sources: Pairs["sources"] = PAIRS.sources): Promise<void> {
  const targets: number[][] = [];
  for (const source of sources) targets.push(...(await convert(made, [source])));
  const end = startToken(made.config);
  const { accuracy, tokens } = await made.trainer.evaluate([
    batchOf({ sources, targets }, end, Math.max(...sources.map(({ length }) => length))),
  ]);
  const decoded = targets.reduce((sum, target) => sum + target.length, 0);
  const ended = targets.filter((target) => target.length < MOST).length;
  expect(decoded).toBeGreaterThan(MOST);
  expect(tokens).toBe(decoded + targets.length);
  // A target that was cut has an end that was not decoded: it may be right or wrong.
  expect(Math.round(accuracy * tokens)).toBeGreaterThanOrEqual(decoded + ended);
}

test("every token decoded is the one that the forward pass finds most probable, of shared-QK layers too", async () => {
  // Below this length all layers attend to everything: LSH layers keep their shared queries and keys.
  await agrees(await makePair({ streams: "f32" }, { fullAttentionBelow: 64 }, LENGTHS, false));
});

test("a source may use all positions, though the decoder pads it to whole chunks", async () => {
  const positions = { type: "axial", shape: [3, 4], dims: [8, 8] } as const;
  const full = { encoderLayers: ["full"], layers: ["full", "local"], localChunkLength: 8 } as const;
  await agrees(await makePair({ streams: "f32" }, { ...full, positions, maxLength: 12 }, LENGTHS, false));
});

test("how far a source is padded changes nothing: windows of its first chunk wrap around into padding", async () => {
  const lengths = { length: 18, targetLength: 8 };
  const wide = { vocabSize: 68, eosTokenId: 67, hiddenSize: 32, numHeads: 4, initializerRange: 0.5 } as const;
  const layers = { encoderLayers: ["local", "full"], layers: ["full", "full"], localChunkLength: 4 } as const;
  const made = await makePair({ streams: "f32" }, { ...wide, ...layers }, lengths, false);
  const random = new Random(5, 3);
  const sources = PAIRS.sources.map(() => Array.from({ length: lengths.length }, () => random.below(60)));
  await agrees(made, sources);
});

test("sources side by side give what each gives alone, with LSH windows in use", async () => {
  const made = await makePair({ streams: "f32" }, {}, LENGTHS, false);
  const sources = [PAIRS.sources[0], [...(PAIRS.sources[0] ?? [])].reverse()] as number[][];
  const together = await convert(made, sources);
  expect(together).toEqual([
    ...(await convert(made, [sources[0]!])),
    ...(await convert(made, [sources[1]!])),
  ]);
  expect(together[0]).not.toEqual(together[1]);
});

test("a target ends at any of several end tokens, and the first of them begins it", async () => {
  const source = PAIRS.sources[0] as readonly number[];
  const ending = async (eosTokenId: readonly number[]) => {
    const made = await makePair({ streams: "f32" }, { eosTokenId }, LENGTHS, false);
    return (await convert(made, [source]))[0] as number[];
  };
  const whole = await ending([11]);
  expect(whole.length).toBeGreaterThan(2);
  for (const token of new Set(whole)) {
    expect(await ending([11, token])).toEqual(whole.slice(0, whole.indexOf(token)));
  }
});
