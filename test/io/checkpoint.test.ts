import { describe, expect, it } from "vitest";
import { resolveConfig } from "../../src/config/config.js";
import { CheckpointError } from "../../src/errors.js";
import { textBytes } from "../../src/io/bytes.js";
import { type Checkpoint, packCheckpoint, unpackCheckpoint } from "../../src/io/checkpoint.js";
import { memoryStore } from "../../src/io/memory-store.js";
import { makeTensor } from "../../src/io/safetensors.js";

const CHECKPOINT: Checkpoint = {
  config: resolveConfig({ vocabSize: 8, layers: ["full", "lsh"], duplicates: "once" }),
  model: new Map([["lm_head.bias", makeTensor([3], Float32Array.of(1, 2, 3))]]),
  optimizer: new Map([["lm_head.bias.m", makeTensor([3], Float32Array.of(4, 5, 6))]]),
  tokenizer: { type: "bytes", offset: 0 },
  training: {
    step: 10,
    seed: 3,
    dataPosition: 12,
    planFingerprint: "matmul:tiled,slabs:1",
    history: [
      { step: 5, loss: 2.5 },
      { step: 10, loss: 2.25, heldOutLoss: 2.5, seconds: 1.5 },
    ],
    settings: { learningRate: 3e-4 },
  },
};

/** The checkpoint's files with one replaced, or removed where there is no text. */
function withFile(name: string, text?: string): Map<string, Uint8Array> {
  const files = new Map(packCheckpoint(CHECKPOINT));
  if (text === undefined) files.delete(name);
  else files.set(name, textBytes(text));
  return files;
}
const trainingWith = (change: object) =>
  withFile("training.json", JSON.stringify({ ...CHECKPOINT.training, ...change }));

describe("packCheckpoint, unpackCheckpoint", () => {
  it("survive a store, and packing again gives the same bytes", async () => {
    const store = memoryStore();
    await store.save(packCheckpoint(CHECKPOINT));
    const back = unpackCheckpoint((await store.load())!);
    expect(back).toMatchObject({ training: CHECKPOINT.training, tokenizer: CHECKPOINT.tokenizer });
    expect({ ...back.config, extra: {} }).toEqual(CHECKPOINT.config);
    expect([...back.model.get("lm_head.bias")!.bytes]).toEqual([
      ...CHECKPOINT.model.get("lm_head.bias")!.bytes,
    ]);
    const again = packCheckpoint(back);
    for (const [name, bytes] of packCheckpoint(CHECKPOINT)) expect(again.get(name), name).toEqual(bytes);
  });

  it("packCheckpoint refuses a loss that JSON cannot hold", () => {
    const training = { ...CHECKPOINT.training, history: [{ step: 1, loss: Number.NaN }] };
    expect(() => packCheckpoint({ ...CHECKPOINT, training })).toThrow(/history\[0\]/);
  });

  it.each<[file: string, why: string, files: Map<string, Uint8Array>]>([
    ...[...packCheckpoint(CHECKPOINT).keys()].map(
      (name) => [name, "is missing", withFile(name)] as [string, string, Map<string, Uint8Array>],
    ),
    ["model.safetensors", "is empty", withFile("model.safetensors", "")],
    ["optimizer.safetensors", "is text", withFile("optimizer.safetensors", "not tensors at all")],
    ["config.json", "is cut", withFile("config.json", "{")],
    ["config.json", "is of another model", withFile("config.json", '{"model_type":"bert"}')],
    ["config.json", "is a list", withFile("config.json", "[]")],
    ["tokenizer.json", "is cut", withFile("tokenizer.json", "[1")],
    ["training.json", "is null", withFile("training.json", "null")],
    ["training.json", "has a negative step", trainingWith({ step: -1 })],
    ["training.json", "has half a seed", trainingWith({ seed: 0.5 })],
    ["training.json", "has a position of text", trainingWith({ dataPosition: "12" })],
    ["training.json", "has no fingerprint", trainingWith({ planFingerprint: null })],
    ["training.json", "has no settings", trainingWith({ settings: null })],
    ["training.json", "has a history of one number", trainingWith({ history: 3 })],
    ["training.json", "has a lost loss", trainingWith({ history: [{ step: 1, loss: null }] })],
  ])("unpackCheckpoint names %s where it %s", (file, _why, files) => {
    let error: unknown;
    try {
      unpackCheckpoint(files);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(CheckpointError);
    expect((error as CheckpointError).details.file).toBe(file);
    expect((error as Error).message).toContain(file);
  });
});
