// Model files as they come from elsewhere, damaged in every way: an error names the file and the field.
import { describe, expect, it } from "vitest";
import { resolveConfig } from "../../src/config/config.js";
import { configToHuggingFace } from "../../src/config/hugging-face.js";
import { readModelFiles, writeModelFiles, writeWeights } from "../../src/engine/files.js";
import { CheckpointError } from "../../src/errors.js";
import { textBytes } from "../../src/io/bytes.js";
import { makeTensor, readSafetensors, type Tensor, tensorFloats } from "../../src/io/safetensors.js";
import { matchWeights } from "../../src/io/weight-names.js";
import { initialValues, parameters } from "../../src/model/parameters.js";
import { byteTokenizer } from "../../src/text/byte-tokenizer.js";
import type { ModelFiles, ProgressEvent } from "../../src/types.js";
import { quickest } from "../support/quickest.js";

const CONFIG = resolveConfig({
  hiddenSize: 8,
  numHeads: 1,
  headSize: 4,
  feedForwardSize: 8,
  layers: ["local"],
  maxLength: 64,
});
const PARAMETERS = parameters(CONFIG);
const WEIGHTS = new Map<string, Tensor>(
  PARAMETERS.map((one, i) => [one.name, makeTensor(one.shape, initialValues(one, i, 1))]),
);
const FILES = writeModelFiles(CONFIG, byteTokenizer(), WEIGHTS);
const JSON_CONFIG = configToHuggingFace(CONFIG);
const json = (value: unknown) => textBytes(JSON.stringify(value));

async function failure(files: ModelFiles): Promise<CheckpointError> {
  let thrown: unknown;
  const attempt = async () => {
    const started = performance.now();
    thrown = await readModelFiles(files).then(
      () => undefined,
      (reason) => reason,
    );
    return performance.now() - started;
  };
  expect(await quickest(1000, attempt), "milliseconds").toBeLessThan(1000);
  expect(thrown).toBeInstanceOf(CheckpointError);
  return thrown as CheckpointError;
}

describe("writeModelFiles", () => {
  it("writes what the Python library opens: its class, both names of the bias, a tokenizer of no class", async () => {
    const { tensors, metadata } = readSafetensors(FILES["model.safetensors"]!);
    expect(metadata.get("format")).toBe("pt");
    expect(tensors.get("lm_head.decoder.bias")).toEqual(tensors.get("lm_head.bias"));
    expect([...tensors.keys()].sort()).toEqual([...WEIGHTS.keys(), "lm_head.decoder.bias"].sort());
    const read = (name: string) => JSON.parse(new TextDecoder().decode(FILES[name]));
    expect(read("config.json")).toMatchObject({
      architectures: ["ReformerModelWithLMHead"],
      model_type: "reformer",
      is_decoder: true,
    });
    expect(read("tokenizer_config.json").tokenizer_class).toBe("PreTrainedTokenizerFast");
    expect(read("tokenizer.json").model.type).toBe("BPE");
  });

  it("readModelFiles gives everything back", async () => {
    const { config, tokenizer, weights } = await readModelFiles(FILES);
    expect({ ...config, extra: {} }).toEqual(CONFIG);
    expect(tokenizer.toJSON()).toEqual(byteTokenizer().toJSON());
    for (const [name, tensor] of WEIGHTS) expect(weights.tensors.get(name)).toEqual(tensor);
  });
});

const matched = (tensors: ReadonlyMap<string, Tensor>) =>
  matchWeights({ file: "model.safetensors", tensors }, new Map(PARAMETERS.map((one) => [one.name, one])));

describe("writeWeights", () => {
  it.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])(
    "refuses a weight that is %d by its file, tensor and place",
    async (value) => {
      const [name, tensor] = [...WEIGHTS].at(-1) as [string, Tensor];
      const values = tensorFloats(tensor).slice();
      values[values.length - 1] = value;
      const tensors = new Map([...WEIGHTS, [name, makeTensor(tensor.shape, values)]]);
      const target = { parameters: PARAMETERS, write: () => {}, flush: async () => {} };
      const error = await writeWeights(matched(tensors), target, { seed: 1 }).catch((e: unknown) => e);
      expect(error).toBeInstanceOf(CheckpointError);
      expect((error as CheckpointError).message).toContain(`model.safetensors: ${name} is ${value} at place`);
      expect((error as CheckpointError).details).toEqual({ file: "model.safetensors", tensor: name });
    },
  );

  it("hands over one tensor after another, and begins a missing head at random with a notice", async () => {
    const written = new Map<string, Float32Array>();
    const events: ProgressEvent[] = [];
    const target = {
      parameters: PARAMETERS,
      write: (name: string, values: Float32Array) => written.set(name, values),
      flush: async () => {},
    };
    const body = new Map([...WEIGHTS].filter(([name]) => !name.startsWith("lm_head")));
    const options = { seed: 1, onProgress: (event: ProgressEvent) => events.push(event) };
    await writeWeights(matched(body), target, options);
    PARAMETERS.forEach((one, i) => {
      expect(written.get(one.name), one.name).toEqual(initialValues(one, i, 1));
    });
    expect(events[0]?.notice).toContain("lm_head.decoder.weight");
    expect(events.at(-1)!.loaded).toBe(events.at(-1)!.total);
  });
});

describe("readModelFiles names the file and the field", () => {
  const derived = "num_hidden_layers"; // the length of attn_layers, whatever a file says
  const fields = Object.entries(JSON_CONFIG).flatMap(([key, value]) =>
    key !== derived && (typeof value === "number" || (Array.isArray(value) && typeof value[0] === "number"))
      ? [key]
      : [],
  );
  it.each(fields)("config.json: %s", async (field) => {
    for (const value of [-1, "64", null, 1e300, [], {}, true]) {
      if (value === null && ["eos_token_id", "pad_token_id"].includes(field)) continue; // the model has none
      const error = await failure({ ...FILES, "config.json": json({ ...JSON_CONFIG, [field]: value }) });
      expect(error.details.file).toBe("config.json");
      expect(error.message, `${field} of ${JSON.stringify(value)}`).toContain(field);
    }
  });

  it.each<[string, Partial<Record<string, Uint8Array<ArrayBuffer>>>, string]>([
    ["no settings", { "config.json": undefined }, "config.json"],
    ["settings of a list", { "config.json": json([]) }, "config.json"],
    ["settings of another model", { "config.json": json({ model_type: "bert" }) }, "config.json"],
    ["settings cut short", { "config.json": textBytes('{"vocab') }, "config.json"],
    ["settings that are no UTF-8", { "config.json": Uint8Array.of(0xff, 0xfe) }, "config.json"],
    ["a page instead of settings", { "config.json": textBytes("<!doctype html>") }, "config.json"],
    ["no tokenizer", { "tokenizer.json": undefined }, "tokenizer.json"],
    ["a tokenizer cut short", { "tokenizer.json": textBytes('{"model":') }, "tokenizer.json"],
    ["a tokenizer of nothing", { "tokenizer.json": textBytes("null") }, "tokenizer.json"],
    [
      "a deep tokenizer",
      { "tokenizer.json": textBytes("[".repeat(1e5) + "]".repeat(1e5)) },
      "tokenizer.json",
    ],
    ["no weights", { "model.safetensors": undefined }, "model.safetensors"],
    [
      "weights cut short",
      { "model.safetensors": FILES["model.safetensors"]!.slice(0, 1000) },
      "model.safetensors",
    ],
    [
      "a pointer to a file elsewhere",
      {
        "model.safetensors": textBytes("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"),
      },
      "model.safetensors",
    ],
  ])("%s", async (_why, changes, file) => {
    const files = Object.fromEntries(Object.entries({ ...FILES, ...changes }).filter(([, bytes]) => bytes));
    const error = await failure(files as ModelFiles);
    expect(error.details.file).toBe(file);
    expect(error.message).toContain(file);
  });

  it("a vocabulary of 258 without a tokenizer is bytes + 2", async () => {
    const { "tokenizer.json": _, ...rest } = FILES;
    const files = { ...rest, "config.json": json({ ...JSON_CONFIG, vocab_size: 258 }) } as ModelFiles;
    expect([...(await readModelFiles(files)).tokenizer.encode("a")]).toEqual([99]);
  });
});
