// One bit of what is kept changes, 200 times at random: it is noticed, or it changes nothing that anybody reads.
import { expect, it } from "vitest";
import { resolveConfig } from "../../src/config/config.js";
import { CheckpointError } from "../../src/errors.js";
import { packCheckpoint, unpackCheckpoint } from "../../src/io/checkpoint.js";
import { type CheckpointDirectory, checkpointStore } from "../../src/io/checkpoint-store.js";
import { MANIFEST } from "../../src/io/manifest.js";
import { memoryDirectory } from "../../src/io/memory-store.js";
import { modelCache } from "../../src/io/model-cache.js";
import { fetchModel } from "../../src/io/model-files.js";
import { makeTensor } from "../../src/io/safetensors.js";
import { Random } from "../../src/random.js";
import { SHARDED, SINGLE } from "./model-examples.js";

const FLIPS = 200;

/** Flips one bit of the files at these paths, each byte as likely as any other; returns the path. */
async function flipBit(
  directory: CheckpointDirectory,
  paths: readonly string[],
  random: Random,
): Promise<string> {
  const files = await Promise.all(paths.map(async (path) => [path, (await directory.read(path))!] as const));
  let at = random.below(files.reduce((sum, [, { length }]) => sum + length, 0));
  for (const [path, bytes] of files) {
    if (at < bytes.length) {
      bytes[at]! ^= 1 << random.below(8);
      await directory.write(path, bytes);
      return path;
    }
    at -= bytes.length;
  }
  throw new Error("there is no byte");
}

const WEIGHTS = Float32Array.from({ length: 256 }, (_, i) => Math.sin(i));
const checkpointOf = (step: number) =>
  packCheckpoint({
    config: resolveConfig({ vocabSize: 8, layers: ["local", "lsh"] }),
    model: new Map([["lm_head.bias", makeTensor([256], WEIGHTS)]]),
    optimizer: new Map([["lm_head.bias.m", makeTensor([256], WEIGHTS)]]),
    tokenizer: { type: "bytes", offset: 0 },
    training: { step, seed: 3, dataPosition: step, planFingerprint: "a", history: [], settings: {} },
  });

it("in a checkpoint: 200 of 200 are refused by the file's name, and the one before is still there", async () => {
  const random = new Random(14);
  const refused = new Map<string, number>();
  for (let i = 0; i < FLIPS; i++) {
    const directory = memoryDirectory();
    const store = checkpointStore(directory);
    for (const step of [1, 2]) await store.save(checkpointOf(step));
    const current = [...checkpointOf(2).keys()].map((name) => `generation-2/${name}`);
    const path = await flipBit(directory, [MANIFEST, ...current], random);
    const error = await store.load().catch((thrown: unknown) => thrown);
    expect(error, path).toBeInstanceOf(CheckpointError);
    const file = path.split("/").at(-1) as string;
    expect((error as CheckpointError).details.file).toBe(file);
    refused.set(file, (refused.get(file) ?? 0) + 1);
    if (file === MANIFEST) continue;
    const before = await store.load("previous");
    expect(unpackCheckpoint(before!).training.step).toBe(1);
  }
  expect([...refused.values()].reduce((a, b) => a + b)).toBe(FLIPS);
  expect(refused.size, [...refused.keys()].join()).toBe(checkpointOf(1).size + 1); // every file was hit
});

it.each([
  ["one file of weights", SINGLE],
  ["parts", SHARDED],
])("in kept downloads of %s: 200 of 200 give the files as they were sent", async (_what, files) => {
  const random = new Random(15);
  let asked: string[] = [];
  const fetch: typeof globalThis.fetch = async (url, { method = "GET" } = {}) => {
    const name = String(url).split("/").at(-1) as string;
    asked.push(`${method} ${name}`);
    const bytes = method === "GET" ? files[name] : null;
    return new Response(bytes ?? null, { status: files[name] ? 200 : 404, headers: { etag: '"1"' } });
  };
  const place = { url: "https://models.test/a/", fixed: false, cache: true } as const;
  let again = 0;
  let harmless = 0;
  for (let i = 0; i < FLIPS; i++) {
    const directory = memoryDirectory();
    const openCache = async () => modelCache(directory);
    await fetchModel(place, { fetch, openCache });
    await flipBit(directory, await directory.list(), random);
    asked = [];
    expect(await fetchModel(place, { fetch, openCache })).toEqual(files);
    const downloads = asked.filter((one) => one.startsWith("GET") && files[one.slice(4)]);
    expect(downloads.length).toBeLessThanOrEqual(1); // no file but the damaged one
    if (downloads.length > 0) again++;
    else harmless++;
    asked = [];
    expect(await fetchModel(place, { fetch, openCache })).toEqual(files);
    expect(asked.filter((one) => one.startsWith("GET") && files[one.slice(4)])).toEqual([]); // it is whole again
  }
  expect(again + harmless).toBe(FLIPS);
  expect(again).toBeGreaterThan(FLIPS / 2);
});
