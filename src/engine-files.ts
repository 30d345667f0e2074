// A saved model: model.safetensors and config.json as the public checkpoints have them, and the tokenizer.
import type { ReformerConfig } from "./config.js";
import { configFromHuggingFace, configToHuggingFace } from "./config-hugging-face.js";
import { CheckpointError, ConfigError, TextError } from "./errors.js";
import { concatBytes, textBytes } from "./io/bytes.js";
import { readSafetensors, safetensorsParts, type Tensor } from "./io/safetensors.js";
import { tokenizerFromJSON } from "./text/load-tokenizer.js";
import type { Tokenizer } from "./text/tokenizer.js";
import type { ModelFiles } from "./types.js";

const MODEL = "model.safetensors";
const CONFIG = "config.json";
const TOKENIZER = "tokenizer.json";

export function writeModelFiles(
  config: ReformerConfig,
  tokenizer: Tokenizer,
  tensors: ReadonlyMap<string, Tensor>,
): ModelFiles {
  return {
    [MODEL]: concatBytes(safetensorsParts(tensors, new Map([["format", "pt"]]))) as Uint8Array<ArrayBuffer>,
    [CONFIG]: json(configToHuggingFace(config)),
    [TOKENIZER]: json(tokenizer.toJSON()),
  };
}

/** @throws {CheckpointError} naming the file that is missing or wrong */
export function readModelFiles(files: ModelFiles): {
  readonly config: ReformerConfig;
  readonly tokenizer: Tokenizer;
  readonly tensors: ReadonlyMap<string, Tensor>;
} {
  const fileOf = (name: string): Uint8Array => {
    const bytes = files[name];
    if (bytes) return bytes;
    throw new CheckpointError(
      `There is no ${name} among ${Object.keys(files).join(", ") || "the files given"}: a model is ${MODEL}, ${CONFIG} and ${TOKENIZER}.`,
      { file: name },
    );
  };
  const parsed = <T>(name: string, read: (value: unknown) => T): T => {
    try {
      return read(JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(fileOf(name))));
    } catch (error) {
      if (error instanceof CheckpointError) throw error;
      const known = error instanceof ConfigError || error instanceof TextError;
      const message = (error as Error).message;
      throw new CheckpointError(`${name}: ${known ? message : `not JSON (${message})`}`, { file: name });
    }
  };
  return {
    config: parsed(CONFIG, configFromHuggingFace),
    tokenizer: parsed(TOKENIZER, tokenizerFromJSON),
    tensors: readSafetensors(fileOf(MODEL), MODEL).tensors,
  };
}

function json(value: unknown): Uint8Array<ArrayBuffer> {
  return textBytes(`${JSON.stringify(value, null, 2)}\n`) as Uint8Array<ArrayBuffer>;
}
