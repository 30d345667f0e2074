// What a training checkpoint holds, as files: everything a run needs to go on to the bit. Where they are kept is the
// business of a CheckpointStore.
import type { ReformerConfig } from "../config/config.js";
import { configFromHuggingFace, configText, configToHuggingFace } from "../config/hugging-face.js";
import { CheckpointError, ConfigError } from "../errors.js";
import { concatBytes, textBytes } from "./bytes.js";
import type { CheckpointFiles } from "./checkpoint-store.js";
import { readSafetensors, safetensorsParts, type Tensor } from "./safetensors.js";

/** One measurement of a run. Losses in nats per token. */
export interface HistoryPoint {
  readonly step: number;
  readonly loss: number;
  readonly heldOutLoss?: number | undefined;
  /** Of training, pauses not counted. */
  readonly seconds?: number | undefined;
}

/** Where a run stands; the content of training.json. */
export interface TrainingState {
  /** Updates made. */
  readonly step: number;
  /** Of everything random in the run. */
  readonly seed: number;
  /** Batches drawn so far: the step argument of the data set's next batch. */
  readonly dataPosition: number;
  /** Kernel variants and slab splits; another plan sums in another order, so a resume is then not bit-identical. */
  readonly planFingerprint: string;
  /** What the plan chose, so that another takes the same; absent in older checkpoints. */
  readonly planChoices?:
    | {
        readonly chunkDivisor: number;
        readonly headGroup?: number | undefined;
        readonly tuned: Readonly<Record<string, string>>;
      }
    | undefined;
  readonly history: readonly HistoryPoint[];
  /** The trainer's own settings, as JSON. */
  readonly settings: Readonly<Record<string, unknown>>;
}

export interface Checkpoint {
  readonly config: ReformerConfig;
  /** By the public checkpoints' tensor names. */
  readonly model: ReadonlyMap<string, Tensor>;
  readonly optimizer: ReadonlyMap<string, Tensor>;
  /** A tokenizer's `toJSON()`; null where there is none. */
  readonly tokenizer: unknown;
  readonly training: TrainingState;
}

const MODEL = "model.safetensors";
const OPTIMIZER = "optimizer.safetensors";
const CONFIG = "config.json";
const TOKENIZER = "tokenizer.json";
const TRAINING = "training.json";

/** The metadata by which other readers recognise the row-major layout. */
const TENSOR_METADATA = new Map([["format", "pt"]]);

/**
 * The files of a checkpoint; the same checkpoint always gives the same bytes.
 * @throws CheckpointError where the training state could not be read back, such as a loss of NaN
 */
export function packCheckpoint(checkpoint: Checkpoint): CheckpointFiles {
  const { config, model, optimizer, tokenizer, training } = checkpoint;
  checkTraining(training);
  return new Map([
    [MODEL, concatBytes(safetensorsParts(model, TENSOR_METADATA))],
    [OPTIMIZER, concatBytes(safetensorsParts(optimizer, TENSOR_METADATA))],
    [CONFIG, textBytes(configText(configToHuggingFace(config)))],
    [TOKENIZER, jsonBytes(tokenizer)],
    [TRAINING, jsonBytes(training)],
  ]);
}

/**
 * Reads the files back; tensors are views of their bytes.
 * @throws CheckpointError naming the file that is missing or wrong
 */
export function unpackCheckpoint(files: CheckpointFiles): Checkpoint {
  const training = parseJson(files, TRAINING);
  checkTraining(training);
  return {
    config: readConfig(files),
    model: readSafetensors(fileOf(files, MODEL), MODEL).tensors,
    optimizer: readSafetensors(fileOf(files, OPTIMIZER), OPTIMIZER).tensors,
    tokenizer: parseJson(files, TOKENIZER),
    training,
  };
}

function readConfig(files: CheckpointFiles): ReformerConfig {
  try {
    return configFromHuggingFace(parseJson(files, CONFIG));
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new CheckpointError(`${CONFIG}: ${error.message}`, { ...error.details, file: CONFIG });
  }
}

function jsonBytes(value: unknown): Uint8Array {
  return textBytes(`${JSON.stringify(value ?? null, null, 2)}\n`);
}

function fileOf(files: CheckpointFiles, name: string): Uint8Array {
  const bytes = files.get(name);
  if (bytes) return bytes;
  throw new CheckpointError(
    `The checkpoint has no ${name}; a training checkpoint has ${[MODEL, OPTIMIZER, CONFIG, TOKENIZER, TRAINING].join(", ")}.`,
    {
      file: name,
    },
  );
}

function parseJson(files: CheckpointFiles, name: string): unknown {
  const bytes = fileOf(files, name);
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    throw new CheckpointError(
      `${name} is not JSON (${(error as Error).message}): get the checkpoint again.`,
      { file: name },
    );
  }
}

function checkTraining(value: unknown): asserts value is TrainingState {
  const refuse = (field: string, given: unknown, needed: string): never => {
    throw new CheckpointError(`${TRAINING}: ${field} is ${String(given)}, but must be ${needed}.`, {
      file: TRAINING,
      field,
    });
  };
  if (!isRecord(value)) return refuse("its content", value, "an object");
  for (const field of ["step", "seed", "dataPosition"]) {
    const given = value[field];
    if (!Number.isSafeInteger(given) || (given as number) < 0)
      refuse(field, given, "a whole number of at least 0");
  }
  const { planFingerprint, planChoices, history, settings } = value;
  if (typeof planFingerprint !== "string") refuse("planFingerprint", planFingerprint, "text");
  if (planChoices !== undefined) checkChoices(planChoices, refuse);
  if (!isRecord(settings)) refuse("settings", settings, "an object");
  if (!Array.isArray(history)) return refuse("history", history, "a list");
  for (const [i, point] of history.entries()) {
    const valid = isRecord(point) && isNumber(point.step) && isNumber(point.loss);
    const rest =
      valid && [point.heldOutLoss, point.seconds].every((given) => given === undefined || isNumber(given));
    if (!rest)
      refuse(
        `history[${i}]`,
        JSON.stringify(point),
        "{ step, loss } and perhaps { heldOutLoss, seconds }, finite numbers",
      );
  }
}

function checkChoices(
  choices: unknown,
  refuse: (field: string, given: unknown, needed: string) => never,
): void {
  const { chunkDivisor, headGroup, tuned } = isRecord(choices)
    ? choices
    : refuse("planChoices", choices, "an object");
  for (const [field, given] of Object.entries({ chunkDivisor, headGroup })) {
    if (given === undefined && field === "headGroup") continue; // all heads
    if (!Number.isSafeInteger(given) || (given as number) < 1) {
      refuse(`planChoices.${field}`, given, "a whole number of at least 1");
    }
  }
  if (!isRecord(tuned) || Object.values(tuned).some((name) => typeof name !== "string")) {
    refuse("planChoices.tuned", JSON.stringify(tuned), "names of variants");
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isNumber(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value);
}
