import { expect, test } from "vitest";
import controlSource from "../../shaders/shared/control.wgsl?raw";
import { ConfigError } from "../../src/errors.js";
import { randomKey } from "../../src/random.js";
import { biasCorrection, CONTROL_WORDS, type ControlState, packControl } from "../../src/train/control.js";

/** Word numbers by name and whether they hold f32 bits, as the WGSL file declares them. */
const declared = [...controlSource.matchAll(/^const CONTROL_(\w+) = (\d+)u;\s*\/\/ (.*)$/gm)].map(
  ([, name, word, comment]) => ({
    field: name!.toLowerCase().replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase()),
    word: Number(word),
    isFloat: comment!.startsWith("f32"),
  }),
);

const SEED = 123456789012345; // needs both words
const STATE: Required<ControlState> = {
  seed: SEED,
  draw: 11,
  learningRate: 0.25,
  lossScale: 0.125,
  biasCorrection1: 0.75,
  biasCorrection2: 0.875,
  step: 12,
  position: 14,
  temperature: 1.5,
  topK: 13,
  topP: 0.625,
  repetitionPenalty: 1.25,
  lossExponent: 16,
};

test("packControl() puts every field where shaders/shared/control.wgsl says, and nothing elsewhere", () => {
  const words = packControl(STATE);
  const floats = new Float32Array(words.buffer);
  expect(words).toHaveLength(CONTROL_WORDS);
  expect(declared.map(({ field }) => field).sort()).toEqual(Object.keys(STATE).sort());
  for (const { field, word, isFloat } of declared) {
    if (field === "seed") expect([words[word], words[word + 1]]).toEqual([...randomKey(SEED)]);
    else expect((isFloat ? floats : words)[word], field).toBe(STATE[field as keyof ControlState]);
  }
  const used = new Set(declared.flatMap(({ field, word }) => (field === "seed" ? [word, word + 1] : [word])));
  expect([...words].filter((value, word) => value !== 0 && !used.has(word))).toEqual([]);
});

test("packControl() takes neutral values for what is left out", () => {
  const words = packControl({ seed: 0, draw: 0 });
  const one = new Uint32Array(new Float32Array([1]).buffer)[0]!;
  const ones = ["biasCorrection1", "biasCorrection2", "temperature", "topP", "repetitionPenalty"];
  for (const { field, word } of declared) expect(words[word], field).toBe(ones.includes(field) ? one : 0);
});

test.each([
  ["seed", -1],
  ["seed", 0.5],
  ["seed", 2 ** 53],
  ["draw", 2 ** 32],
  ["step", -1],
  ["learningRate", Number.NaN],
  ["lossScale", 1e39],
])("packControl() refuses %s %d, naming both", (field, value) => {
  const pack = () => packControl({ ...STATE, [field]: value });
  expect(pack).toThrow(ConfigError);
  expect(pack).toThrow(`${field} is ${value}, but must be`);
});

test("biasCorrection() is 1 - beta^step, also where that is tiny", () => {
  expect(biasCorrection(0, 1)).toBe(1);
  expect(Math.abs(biasCorrection(0.9, 3) - 0.271)).toBeLessThan(1e-15);
  const tiny = 2 ** -40; // 1 - (1 - x)^2 = 2x - x² exactly
  expect(Math.abs(biasCorrection(1 - tiny, 2) / (2 * tiny - tiny ** 2) - 1)).toBeLessThan(1e-15);
});
