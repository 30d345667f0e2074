// A run's weights and optimiser state between GPU memory and checkpoint files.
import type { ReformerConfig } from "../config/config.js";
import { CheckpointError, DivergedError } from "../errors.js";
import { type Checkpoint, type HistoryPoint, packCheckpoint, unpackCheckpoint } from "../io/checkpoint.js";
import type { CheckpointFiles } from "../io/checkpoint-store.js";
import { type Tensor as FileTensor, makeTensor, tensorFloats } from "../io/safetensors.js";
import type { Plan } from "../scheduler/plan.js";
import type { Tensor } from "../scheduler/recording.js";
import type { PreparedPlan } from "../scheduler/run.js";
import { sameTokenizer } from "../text/load-tokenizer.js";
import type { Tokenizer } from "../text/tokenizer.js";

/** Copies tensors to the host, in order. */
export async function readTensors(
  prepared: PreparedPlan,
  tensors: ReadonlyMap<string, Tensor>,
): Promise<Map<string, FileTensor>> {
  const read = new Map<string, FileTensor>();
  for (const [name, tensor] of tensors) {
    read.set(name, makeTensor(tensor.shape, await prepared.read(tensor)));
  }
  return read;
}

/**
 * Copies file tensors into GPU memory.
 * @throws {CheckpointError} where a tensor is missing or has another shape; nothing has been written then
 */
export function writeTensors(
  prepared: PreparedPlan,
  tensors: ReadonlyMap<string, Tensor>,
  files: ReadonlyMap<string, FileTensor>,
  file: string,
): void {
  for (const [name, { shape }] of tensors) {
    const found = files.get(name);
    if (!found || found.shape.join() !== shape.join()) {
      throw new CheckpointError(
        `${file}: ${name} ${found ? `has shape [${found.shape.join(", ")}]` : "is missing"}, this model needs [${shape.join(", ")}]: load files of the same configuration.`,
        { file, tensor: name },
      );
    }
  }
  for (const [name, tensor] of tensors) prepared.write(tensor, tensorFloats(files.get(name) as FileTensor));
}

/** Where a run stands, besides its tensors. */
export interface RunState {
  readonly step: number;
  readonly seed: number;
  readonly dataPosition: number;
  readonly history: readonly HistoryPoint[];
  readonly settings: Readonly<Record<string, unknown>>;
}

/**
 * A run as files.
 * @throws {DivergedError} where a number is not finite: a step that is not, or memory that failed, must not become what is kept
 */
export async function saveRun(
  model: {
    readonly config: ReformerConfig;
    readonly tokenizer: Tokenizer;
    readonly weights: ReadonlyMap<string, Tensor>;
  },
  optimizer: ReadonlyMap<string, Tensor>,
  prepared: PreparedPlan,
  plan: Plan,
  state: RunState,
): Promise<CheckpointFiles> {
  const weights = await readTensors(prepared, model.weights);
  const moments = await readTensors(prepared, optimizer);
  for (const [name, tensor] of [...weights, ...moments]) {
    const values = tensorFloats(tensor);
    if (allFinite(values)) continue;
    const bad = values.find((value) => !Number.isFinite(value));
    throw new DivergedError(
      `the run is not saved at step ${state.step}, since ${name} has ${bad}: go on from the last checkpoint`,
      { step: state.step, where: name },
    );
  }
  return packCheckpoint({
    config: model.config,
    model: weights,
    optimizer: moments,
    tokenizer: model.tokenizer.toJSON(),
    training: { ...state, planFingerprint: fingerprint(plan), planChoices: plan.choices },
  });
}

function allFinite(values: Float32Array): boolean {
  let sum = 0;
  for (const value of values) sum += value * 0; // NaN from the first that is not
  return sum === 0;
}

/** Reads a checkpoint and checks that it belongs to this model. */
export function openRun(files: CheckpointFiles, tokenizer: Tokenizer): Checkpoint {
  const checkpoint = unpackCheckpoint(files);
  if (!sameTokenizer(checkpoint.tokenizer, tokenizer.toJSON())) {
    throw new CheckpointError(
      "The checkpoint was trained with another tokenizer: choose the same one, or another checkpoint name.",
      { file: "tokenizer.json" },
    );
  }
  return checkpoint;
}

/**
 * What decides the order of every sum: kernels, variants and sizes in sequence (FNV-1a of their text). Two plans of
 * equal fingerprints on one adapter train to the same bits.
 */
export function fingerprint(plan: Plan): string {
  let hash = 0x811c9dc5;
  for (const { dispatches } of plan.recordings) {
    for (const { op, variant } of dispatches.values()) {
      for (const char of `${op.kernel.name}/${variant.name}/${JSON.stringify(op.dims)};`) {
        hash = Math.imul(hash ^ char.charCodeAt(0), 0x01000193) >>> 0;
      }
    }
  }
  return hash.toString(16).padStart(8, "0");
}
