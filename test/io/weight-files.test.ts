import { describe, expect, it } from "vitest";
import { CheckpointError, ConfigError } from "../../src/errors.js";
import { readWeights } from "../../src/io/model-files.js";
import { makeTensor, readSafetensors, type Tensor, tensorFloats } from "../../src/io/safetensors.js";
import { weightFiles } from "../../src/io/weight-files.js";

const tensor = (...values: number[]) => makeTensor([values.length], Float32Array.from(values));
const TENSORS = new Map<string, Tensor>([
  ["a", tensor(1, 2, 3)],
  ["b", tensor(-0.1, 65_504)],
  ["c", tensor(...Array.from({ length: 20 }, (_, i) => i / 3))],
  ["d", tensor(7)],
]);
const values = (tensors: ReadonlyMap<string, Tensor>) =>
  new Map([...tensors].map(([name, one]) => [name, [...tensorFloats(one)]]));

describe("weightFiles(tensors, options)", () => {
  it("is one file of float32, to the bit, where nothing is asked for", async () => {
    const files = weightFiles(TENSORS);
    expect(Object.keys(files)).toEqual(["model.safetensors"]);
    expect(values((await readWeights(files)).tensors)).toEqual(values(TENSORS));
  });

  it.each([
    ["float16", "F16", 2 ** -11],
    ["bfloat16", "BF16", 2 ** -8],
  ] as const)("%s rounds every number to the nearest of it", (dtype, stored, half) => {
    const { tensors } = readSafetensors(weightFiles(TENSORS, { dtype })["model.safetensors"]!);
    for (const [name, expected] of values(TENSORS)) {
      expect(tensors.get(name)?.dtype).toBe(stored);
      tensorFloats(tensors.get(name)!).forEach((value, i) => {
        const size = Math.abs(expected[i]!);
        expect(Math.abs(value - expected[i]!), `${name}[${i}]`).toBeLessThanOrEqual(half * size);
      });
    }
  });

  it("names a number that float16 cannot hold", () => {
    const large = new Map([["w", tensor(0, 65_520)]]);
    expect(() => weightFiles(large, { dtype: "float16" })).toThrow(/w has 65520.*bfloat16/);
    expect(() => weightFiles(large, { dtype: "float16" })).toThrow(CheckpointError);
    expect(() => weightFiles(large, { dtype: "bfloat16" })).not.toThrow();
  });

  it("parts are no larger than asked for, unless a tensor is, and are read as one model", async () => {
    const files = weightFiles(TENSORS, { shardBytes: 24 });
    const names = Object.keys(files);
    expect(names).toEqual([
      "model-00001-of-00003.safetensors",
      "model-00002-of-00003.safetensors",
      "model-00003-of-00003.safetensors",
      "model.safetensors.index.json",
    ]);
    const parts = names.slice(0, 3).map((name) => [...readSafetensors(files[name]!).tensors.keys()]);
    expect(parts).toEqual([["a", "b"], ["c"], ["d"]]);
    const index = JSON.parse(new TextDecoder().decode(files["model.safetensors.index.json"]));
    expect(index.metadata).toEqual({ total_size: 26 * 4 });
    expect(Object.keys(index.weight_map)).toEqual([...TENSORS.keys()]);
    expect(values((await readWeights(files)).tensors)).toEqual(values(TENSORS));
  });

  it.each([{ dtype: "float8" as never }, { shardBytes: 0 }, { shardBytes: Number.NaN }])(
    "refuses %j by its name",
    (options) => {
      expect(() => weightFiles(TENSORS, options)).toThrow(ConfigError);
      expect(() => weightFiles(TENSORS, options)).toThrow(Object.keys(options)[0]!);
    },
  );
});
