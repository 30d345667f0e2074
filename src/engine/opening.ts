// How a model comes to a device: with random weights, or with those of its files.
import { type ReformerConfig, resolveConfig } from "../config/config.js";
import { ConfigError } from "../errors.js";
import type { CheckpointStore } from "../io/checkpoint-store.js";
import { fetchModel } from "../io/model-files.js";
import { type ModelLocation, useFiles } from "../io/model-location.js";
import { matchWeights } from "../io/weight-names.js";
import { initialValues, parameters } from "../model/parameters.js";
import type { Tokenizer } from "../text/tokenizer.js";
import type { CreateOptions, ModelFiles, ReformerOptions } from "../types.js";
import type { OpenChoices } from "./choice-memory.js";
import { type OpenDevice, openDevice } from "./device.js";
import { readModelFiles, writeWeights } from "./files.js";
import { makeTokenizer, withVocabulary } from "./tokenizer.js";

/** What the engine needs of CreateOptions, and where named checkpoints are kept. */
export interface EngineOptions extends Omit<CreateOptions, "worker"> {
  /** Default: the browser's private file system. */
  readonly openStore?: ((name: string) => Promise<CheckpointStore>) | undefined;
  /** Where tuned runs remember what was fastest. Default: likewise. */
  readonly openChoices?: OpenChoices | undefined;
}

/** A model whose weights are on a device. */
export interface OpenedModel {
  readonly config: ReformerConfig;
  readonly tokenizer: Tokenizer;
  readonly seed: number;
  readonly device: OpenDevice;
}

/** See `Engine.create`. */
export async function newModel(given: ReformerOptions, options: EngineOptions): Promise<OpenedModel> {
  const { signal, onProgress } = options;
  const tokenizer = await makeTokenizer(options);
  const config = resolveConfig(withVocabulary(given, tokenizer.vocabSize));
  const seed = checkSeed(options.seed ?? 0);
  const list = parameters(config);
  return open({ config, tokenizer, seed }, options, async ({ base, weights }) => {
    for (const [index, parameter] of list.entries()) {
      signal?.throwIfAborted();
      base.write(weights.get(parameter.name), initialValues(parameter, index, seed));
      onProgress?.({ phase: "upload", loaded: index + 1, total: list.length });
    }
  });
}

/** See `Engine.load`. */
export async function savedModel(location: ModelLocation, options: EngineOptions): Promise<OpenedModel> {
  const { signal, onProgress } = options;
  const files = await fetchModel(location, { signal, onProgress });
  return useFiles(location, files, () => modelFromFiles(files, options));
}

async function modelFromFiles(files: ModelFiles, options: EngineOptions): Promise<OpenedModel> {
  const { signal, onProgress } = options;
  const seed = checkSeed(options.seed ?? 0);
  const { config, tokenizer, weights } = await readModelFiles(
    files,
    options.tokenizer && (() => makeTokenizer(options)),
  );
  const list = parameters(config);
  // Before any GPU memory is taken: a config.json may ask for more than its weights have.
  const matched = matchWeights(weights, new Map(list.map((parameter) => [parameter.name, parameter])));
  return open({ config, tokenizer, seed }, options, ({ base, weights: arena, gpu }) => {
    const target = {
      parameters: list,
      write: (name: string, values: Float32Array) => base.write(arena.get(name), values),
      flush: () => gpu.done(),
    };
    return writeWeights(matched, target, { seed, signal, onProgress });
  });
}

/** Opens a device and lets `fill` write the weights; where that fails, nothing of the model is left on the device. */
async function open(
  model: Omit<OpenedModel, "device">,
  options: EngineOptions,
  fill: (device: OpenDevice) => Promise<void>,
): Promise<OpenedModel> {
  const { config, tokenizer } = model;
  if (config.vocabSize < tokenizer.vocabSize) {
    throw new ConfigError(
      `vocabSize is ${config.vocabSize}, but this tokenizer has ${tokenizer.vocabSize} tokens: leave vocabSize out or raise it.`,
      { field: "vocabSize" },
    );
  }
  options.signal?.throwIfAborted();
  const device = await openDevice(config, options.device, options);
  try {
    await fill(device);
  } catch (error) {
    device.gpu.dispose();
    throw error;
  }
  return { ...model, device };
}

/** @throws {ConfigError} */
export function checkSeed(seed: number): number {
  if (Number.isSafeInteger(seed) && seed >= 0) return seed;
  throw new ConfigError(`seed is ${seed}, but must be a whole number from 0 to 2^53 - 1.`, { field: "seed" });
}
