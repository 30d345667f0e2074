/** What a visitor can choose, its presets, and what it means to the library. */
import type { PlanOptions, ReformerOptions, TokenizerOptions, TrainOptions } from "./runtime.js";

export const MIXES = ["local-lsh", "lsh", "local", "full"] as const;
export type Mix = (typeof MIXES)[number];
export const PRESETS = ["tiny", "small", "base", "large"] as const;
export type Preset = (typeof PRESETS)[number];

export interface Settings {
  readonly preset: Preset | "custom";
  readonly hiddenSize: number;
  readonly depth: number;
  readonly mix: Mix;
  readonly numHashes: number;
  /** Tokens per sequence, and the longest the model takes. */
  readonly length: number;
  readonly batchSize: number;
  readonly steps: number;
  readonly learningRate: number;
  readonly optimizer: "adamw" | "adafactor";
  readonly backward: "reversible" | "stored";
  readonly tokenizer: "bytes" | "bpe";
  /** Tokens of the learned vocabulary, where there is one. */
  readonly vocabulary: number;
  readonly seed: number;
  /** MiB of GPU memory that the model may hold; 0: what there is. */
  readonly memoryLimit: number;
}

/** Fields that make the model; the others only say how to train it. */
export const MODEL_FIELDS = ["hiddenSize", "depth", "mix", "numHashes", "tokenizer", "vocabulary"] as const;

const COMMON = {
  mix: "local-lsh",
  numHashes: 2,
  optimizer: "adamw",
  backward: "reversible",
  tokenizer: "bytes",
  vocabulary: 1024,
  seed: 0,
  memoryLimit: 0,
} as const;

const SIZES: Readonly<
  Record<Preset, Pick<Settings, "hiddenSize" | "depth" | "length" | "batchSize" | "steps" | "learningRate">>
> = {
  tiny: { hiddenSize: 64, depth: 2, length: 256, batchSize: 1, steps: 1000, learningRate: 3e-3 },
  small: { hiddenSize: 128, depth: 4, length: 1024, batchSize: 2, steps: 2000, learningRate: 2e-3 },
  base: { hiddenSize: 256, depth: 6, length: 4096, batchSize: 2, steps: 4000, learningRate: 1e-3 },
  large: { hiddenSize: 512, depth: 6, length: 16384, batchSize: 1, steps: 10000, learningRate: 5e-4 },
};

export const presetSettings = (preset: Preset): Settings => ({ ...COMMON, preset, ...SIZES[preset] });

export const LENGTHS = [128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768, 65536] as const;
export const WIDTHS = [32, 64, 128, 192, 256, 384, 512, 768] as const;
/** MiB; 0: what there is. */
export const MEMORY_LIMITS = [0, 128, 256, 512, 1024, 2048, 4096, 8192] as const;
export const VOCABULARIES = [512, 1024, 2048, 4096, 8192] as const;

/** Bytes of the biggest storage binding that devices without much memory offer. */
const SMALL_BINDING = 128 * 2 ** 20;

/** The preset whose first steps come within seconds on an adapter. */
export function suggestPreset(adapter: { fallback: boolean; maxStorageBufferBindingSize: number }): Preset {
  if (adapter.fallback) return "tiny";
  const handheld = globalThis.matchMedia?.("(max-width: 48rem) and (pointer: coarse)").matches ?? false;
  return handheld || adapter.maxStorageBufferBindingSize <= SMALL_BINDING ? "small" : "base";
}

/** The model's configuration. */
export function modelConfig(settings: Settings): ReformerOptions {
  const { hiddenSize, depth, mix, numHashes, length, tokenizer, vocabulary } = settings;
  const headSize = hiddenSize >= 256 ? 64 : 32;
  const chunk = length >= 1024 ? 64 : 32;
  const kind = (layer: number) => (mix === "local-lsh" ? (layer % 2 === 0 ? "local" : "lsh") : mix);
  return {
    vocabSize: tokenizer === "bytes" ? 256 : vocabulary,
    hiddenSize,
    numHeads: Math.max(1, Math.round(hiddenSize / headSize)),
    headSize,
    layers: Array.from({ length: depth }, (_, layer) => kind(layer)),
    feedForwardSize: 4 * hiddenSize,
    maxLength: length,
    lshChunkLength: chunk,
    localChunkLength: chunk,
    numHashes,
  };
}

export const tokenizerOptions = ({ tokenizer, vocabulary }: Settings): TokenizerOptions =>
  tokenizer === "bytes" ? { type: "bytes" } : { type: "bpe", vocabSize: vocabulary };

export const planOptions = (settings: Settings): PlanOptions => ({
  length: settings.length,
  batchSize: settings.batchSize,
  backward: settings.backward,
  optimizer: settings.optimizer,
  memoryLimit: memoryLimitOf(settings),
});

/** Bytes of GPU memory that the model may hold. */
export const memoryLimitOf = ({ memoryLimit }: Settings): number | undefined =>
  memoryLimit > 0 ? memoryLimit * 2 ** 20 : undefined;

/** How to train. Tests, samples and checkpoints come more often where steps are slow. */
export function trainOptions(settings: Settings, steps: number): TrainOptions {
  const { length, batchSize, learningRate, optimizer, backward } = settings;
  const small = length * batchSize <= 512;
  return {
    steps,
    length,
    batchSize,
    learningRate,
    optimizer,
    backward,
    schedule: "cosine",
    evaluateEvery: small ? 25 : 50,
    evaluateTokens: small ? 2048 : 4 * length,
    sampleEvery: small ? 50 : 100,
    sampleTokens: small ? 80 : 200,
    checkpointEvery: small ? 50 : 100,
  };
}

const RANGES: Readonly<Partial<Record<keyof Settings, readonly [number, number]>>> = {
  depth: [1, 24],
  numHashes: [1, 8],
  batchSize: [1, 64],
  steps: [1, 1_000_000],
  learningRate: [1e-6, 1],
  seed: [0, 2 ** 32 - 1],
  memoryLimit: [0, 2 ** 20],
};

export const rangeOf = (field: keyof Settings): readonly [min: number, max: number] =>
  RANGES[field] ?? [1, 2 ** 20];

/** Settings with one field changed. A changed size is no preset any more. */
export function changed<F extends keyof Settings>(
  settings: Settings,
  field: F,
  value: Settings[F],
): Settings {
  const next = { ...settings, [field]: value };
  const like = PRESETS.find((preset) => {
    const base = presetSettings(preset);
    return (["hiddenSize", "depth", "length", "batchSize", "mix", "numHashes"] as const).every(
      (key) => base[key] === next[key],
    );
  });
  return { ...next, preset: like ?? "custom" };
}
