import { describe, expect, it } from "vitest";
import { resolveConfig } from "../../src/config/config.js";
import { CheckpointError } from "../../src/errors.js";
import {
  makeTensor,
  readSafetensors,
  type Tensor,
  tensorFloats,
  writeSafetensors,
} from "../../src/io/safetensors.js";
import { matchWeights, savedNames } from "../../src/io/weight-names.js";
import { parameters } from "../../src/model/parameters.js";
import { elements } from "../../src/shapes.js";

const CONFIG = resolveConfig({
  vocabSize: 8,
  hiddenSize: 8,
  numHeads: 1,
  headSize: 4,
  feedForwardSize: 8,
  layers: ["local", "lsh"],
});
const WANTED = new Map(parameters(CONFIG).map((parameter) => [parameter.name, parameter]));
const filled = (shape: readonly number[], value: number): Tensor =>
  makeTensor(shape, new Float32Array(elements(shape)).fill(value));
/** As the public library saves a language model: every parameter is its place in the list. */
const SAVED = savedNames(new Map([...WANTED].map(([name, { shape }], i) => [name, filled(shape, i)])));

function changed(change: (tensors: Map<string, Tensor>) => unknown): {
  file: string;
  tensors: Map<string, Tensor>;
} {
  const tensors = new Map(SAVED);
  change(tensors);
  return { file: "model.safetensors", tensors };
}
const values = (tensors: ReadonlyMap<string, Tensor>) =>
  [...tensors].map(([name, tensor]) => [name, tensorFloats(tensor)[0]]);
const EXPECTED = [...WANTED.keys()].map((name, i) => [name, i]);

describe("matchWeights", () => {
  it.each<[string, (tensors: Map<string, Tensor>) => unknown]>([
    ["a language model", () => {}],
    ["one without the alias of its bias", (tensors) => tensors.delete("lm_head.decoder.bias")],
    ["one whose bias is under the alias alone", (tensors) => tensors.delete("lm_head.bias")],
    [
      "one of the first converter, whose lm_head.bias is zero",
      (tensors) => tensors.set("lm_head.bias", filled([8], 0)),
    ],
    [
      "one with the constants of version 4",
      (tensors) => {
        for (const name of [
          "mask_value_float16",
          "mask_value_float32",
          "self_mask_value_float16",
          "self_mask_value_float32",
        ])
          tensors.set(
            `reformer.encoder.layers.1.attention.self_attention.${name}`,
            filled([], Number.NEGATIVE_INFINITY),
          );
      },
    ],
    [
      "one with other heads beside",
      (tensors) =>
        tensors.set("classifier.dense.weight", filled([3, 3], 1)).set("qa_outputs.bias", filled([2], 1)),
    ],
    [
      "one whose body has no prefix",
      (tensors) => {
        for (const [name, tensor] of [...tensors]) {
          tensors.delete(name);
          tensors.set(name.replace(/^reformer\./, ""), tensor);
        }
      },
    ],
  ])("takes %s", (_why, change) => {
    const { tensors, newHead } = matchWeights(changed(change), WANTED);
    expect(values(tensors)).toEqual(EXPECTED);
    expect(newHead).toEqual([]);
  });

  it("gives a body without a head a new one, whatever the head", () => {
    const body = changed((tensors) => {
      for (const name of [...tensors.keys()]) if (name.startsWith("lm_head")) tensors.delete(name);
    });
    for (const classifierPooling of ["first", "mean"] as const) {
      const classifier = resolveConfig({
        ...CONFIG,
        head: "classification",
        numLabels: 2,
        classifierPooling,
      });
      const wanted = parameters(classifier).map((one) => [one.name, one] as const);
      const { newHead } = matchWeights(body, new Map(wanted));
      expect(newHead).toEqual(wanted.map(([name]) => name).filter((name) => !name.startsWith("reformer.")));
      expect(newHead.length).toBe(4);
    }
  });

  it("gives a language model's body a new head", () => {
    const body = changed((tensors) => {
      for (const name of [...tensors.keys()]) if (name.startsWith("lm_head")) tensors.delete(name);
    });
    expect(matchWeights(body, WANTED).newHead).toEqual(["lm_head.decoder.weight", "lm_head.bias"]);
  });

  it.each<[string, string, (tensors: Map<string, Tensor>) => unknown]>([
    [
      "a missing tensor",
      "reformer.encoder.layer_norm.bias",
      (tensors) => tensors.delete("reformer.encoder.layer_norm.bias"),
    ],
    ["half a head", "lm_head.decoder.weight", (tensors) => tensors.delete("lm_head.decoder.weight")],
    [
      "a layer too many",
      "reformer.encoder.layers.2.x",
      (tensors) => tensors.set("reformer.encoder.layers.2.x", filled([1], 0)),
    ],
    [
      "another shape",
      "lm_head.decoder.bias",
      (tensors) => tensors.set("lm_head.decoder.bias", filled([9], 0)),
    ],
    ["a tensor twice", "prefix", (tensors) => tensors.set("encoder.layer_norm.bias", filled([16], 0))],
    ["nothing", "and 2", (tensors) => tensors.clear()],
  ])("names what is wrong with %s", (_why, word, change) => {
    const call = () => matchWeights(changed(change), WANTED);
    expect(call).toThrow(CheckpointError);
    if (word !== "lm_head.decoder.bias") expect(call).toThrow(word);
    else expect(call).toThrow("lm_head.bias has shape [9], needed is [8]");
    expect(call).toThrow("model.safetensors");
  });

  it.each(["F16", "BF16"] as const)("weights saved as %s are the nearest f32", (dtype) => {
    const stored = new Map(
      [...SAVED].map(([name, tensor]) => [name, makeTensor(tensor.shape, tensorFloats(tensor), dtype)]),
    );
    const { tensors } = readSafetensors(writeSafetensors(stored));
    expect(values(matchWeights({ file: "x", tensors }, WANTED).tensors)).toEqual(EXPECTED); // whole numbers below 2^8 are exact
  });
});
