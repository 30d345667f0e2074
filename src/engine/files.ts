// A model as files: model.safetensors and config.json as the public checkpoints have them, and the tokenizer.
import type { ReformerConfig } from "../config/config.js";
import { configFromHuggingFace, configText, configToHuggingFace } from "../config/hugging-face.js";
import { CheckpointError, ConfigError, TextError } from "../errors.js";
import { textBytes } from "../io/bytes.js";
import {
  CONFIG,
  missing,
  readWeights,
  SAFETENSORS,
  type StoredWeights,
  TOKENIZER,
} from "../io/model-files.js";
import { type Tensor, tensorFloats } from "../io/safetensors.js";
import { weightFiles } from "../io/weight-files.js";
import { type MatchedWeights, savedNames } from "../io/weight-names.js";
import { initialValues, type Parameter } from "../model/parameters.js";
import { byteTokenizer } from "../text/byte-tokenizer.js";
import { loadTokenizer } from "../text/load-tokenizer.js";
import type { Tokenizer } from "../text/tokenizer.js";
import type { FilesOptions, ModelFiles, ProgressEvent } from "../types.js";

/** By it other readers open tokenizer.json without looking for a class of the model's own. */
const TOKENIZER_CONFIG = "tokenizer_config.json";
/** What a config.json calls the dtype of its weights. */
const DTYPE_NAMES = ["torch_dtype", "dtype"] as const;
/** Vocabulary of the public byte-level checkpoint, which has no tokenizer file: byte + 2. */
const ENWIK8_VOCABULARY = 258;

/** The files that this library and the Python library `transformers` open. */
export function writeModelFiles(
  config: ReformerConfig,
  tokenizer: Tokenizer,
  tensors: ReadonlyMap<string, Tensor>,
  options: FilesOptions = {},
): ModelFiles {
  const { dtype = "float32" } = options;
  const settings = configToHuggingFace(config);
  // Other readers make the model in the dtype named there, newer ones by the newer name; where none is, in float32.
  const names = DTYPE_NAMES.filter((name) => name in settings);
  for (const name of dtype === "float32" ? names : new Set(["torch_dtype", ...names])) settings[name] = dtype;
  return {
    ...weightFiles(savedNames(tensors), options),
    [CONFIG]: textBytes(configText(settings)),
    [TOKENIZER]: json(tokenizer.toJSON()),
    [TOKENIZER_CONFIG]: json({
      tokenizer_class: "PreTrainedTokenizerFast",
      clean_up_tokenization_spaces: false,
    }),
  };
}

/**
 * Reads a model's files. The weights stay where they are, as views of the files' bytes. `otherwise` makes the tokenizer
 * where there is no file of one.
 * @throws {CheckpointError} naming the file that is missing or wrong
 */
export async function readModelFiles(
  files: ModelFiles,
  otherwise?: () => Promise<Tokenizer>,
): Promise<{
  readonly config: ReformerConfig;
  readonly tokenizer: Tokenizer;
  readonly weights: StoredWeights;
}> {
  const config = await parsed(files, CONFIG, configFromHuggingFace);
  return {
    config,
    tokenizer: await readTokenizer(files, config.vocabSize, otherwise),
    weights: await readWeights(files),
  };
}

function readTokenizer(
  files: ModelFiles,
  vocabSize: number,
  otherwise: (() => Promise<Tokenizer>) | undefined,
): Tokenizer | Promise<Tokenizer> {
  if (files[TOKENIZER]) return parsed(files, TOKENIZER, (value) => loadTokenizer(value, vocabSize));
  if (otherwise) return otherwise();
  if (vocabSize === ENWIK8_VOCABULARY) return byteTokenizer(2);
  throw missing(TOKENIZER, [
    `${TOKENIZER} where its vocabulary is not the ${ENWIK8_VOCABULARY} of bytes + 2 (or the option tokenizer)`,
  ]);
}

/** @throws {CheckpointError} naming the file */
async function parsed<T>(
  files: ModelFiles,
  name: string,
  read: (value: unknown) => T | Promise<T>,
): Promise<T> {
  const bytes = files[name];
  if (!bytes) throw missing(name, [SAFETENSORS, CONFIG, TOKENIZER]);
  try {
    return await read(JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)));
  } catch (error) {
    const known = error instanceof ConfigError || error instanceof TextError;
    const message = (error as Error).message;
    throw new CheckpointError(`${name}: ${known ? message : `not JSON (${message})`}`, {
      ...(known ? error.details : {}),
      file: name,
    });
  }
}

/** Where weights go. */
export interface WeightTarget {
  /** Of the model, in the order of their random numbers. */
  readonly parameters: readonly Parameter[];
  readonly write: (name: string, values: Float32Array) => void;
  /** Resolves when what was written has left this thread's memory. */
  readonly flush: () => Promise<unknown>;
}

/** Bytes that may wait for the GPU. */
const WAITING = 64 * 2 ** 20;

/**
 * Writes stored weights one tensor at a time: besides the files, no more than one tensor as f32 is held (and WAITING
 * bytes on their way to the GPU). A head that the files do not have begins at random, and a notice says so.
 * @throws {CheckpointError} naming file and tensor, where its numbers are of no use; signal.reason on abort
 */
export async function writeWeights(
  { file, tensors, newHead }: MatchedWeights,
  { parameters, write, flush }: WeightTarget,
  options: {
    readonly seed: number;
    readonly signal?: AbortSignal | undefined;
    readonly onProgress?: ((event: ProgressEvent) => void) | undefined;
  },
): Promise<void> {
  const { seed, signal, onProgress } = options;
  const bytesOf = ({ shape }: Parameter) => 4 * shape.reduce((product, size) => product * size, 1);
  const total = parameters.reduce((sum, parameter) => sum + bytesOf(parameter), 0);
  if (newHead.length > 0) {
    const notice = `${file} has no ${newHead.join(", ")}: this head begins at random and must be trained.`;
    onProgress?.({ phase: "upload", loaded: 0, total, notice });
  }
  let loaded = 0;
  let waiting = 0;
  for (const [index, parameter] of parameters.entries()) {
    signal?.throwIfAborted();
    const { name } = parameter;
    const tensor = tensors.get(name);
    write(name, tensor ? storedValues(tensor, file, name) : initialValues(parameter, index, seed));
    loaded += bytesOf(parameter);
    waiting += bytesOf(parameter);
    if (waiting > WAITING) {
      await flush();
      waiting = 0;
    }
    onProgress?.({ phase: "upload", loaded, total });
  }
}

/** A single NaN would reach every token: files of a run that diverged are refused. */
function storedValues(tensor: Tensor, file: string, name: string): Float32Array {
  const values = tensorFloats(tensor, `${file}: ${name}`);
  const at = values.findIndex((value) => !Number.isFinite(value));
  if (at < 0) return values;
  throw new CheckpointError(
    `${file}: ${name} is ${values[at]} at place ${at} of ${values.length}. Get the file again, or one from before its training diverged.`,
    { file, tensor: name },
  );
}

function json(value: unknown): Uint8Array<ArrayBuffer> {
  return textBytes(`${JSON.stringify(value, null, 2)}\n`);
}
