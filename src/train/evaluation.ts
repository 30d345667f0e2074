// The loss on held-out text: forward and cross-entropy only, without dropout, with or without the LSH layers' output.
import { fillToken, paddedLength, pairLengths, type ReformerConfig } from "../config/config.js";
import { type LayerContext, noGradient } from "../layers/context.js";
import { hasAccuracy, headLoss } from "../layers/heads.js";
import type { Streams } from "../layers/reversible-block.js";
import { rowsPerSlab } from "../layers/rows.js";
import {
  type Inputs,
  inputTensors,
  type Outputs,
  outputTensors,
  type ParameterArena,
  streamPair,
} from "../model/memory.js";
import { forwardOf } from "../model/stack.js";
import { type DeviceProfile, type Plan, plan } from "../scheduler/plan.js";
import { Arena, Recording, type Tensor } from "../scheduler/recording.js";
import type { PreparedPlan } from "../scheduler/run.js";
import { elements } from "../shapes.js";
import { type Batch, countedTargets } from "../text/dataset.js";
import { packControl } from "./control.js";
import { writePairs } from "./pairs.js";
import { METRICS_BYTES, RESULT, sumInto } from "./results.js";

/** The windows a plan runs on, and the tensors they are written to and read from. */
export interface Windows {
  readonly config: ReformerConfig;
  readonly batchSize: number;
  /** Tokens per window. */
  readonly length: number;
  /** Tokens of the streams, padding included: of a window, or of a source and its target joined. */
  readonly paddedLength: number;
  readonly inputs: Inputs;
  readonly outputs: Outputs;
  /** f32 [1, RESULT.columns]. */
  readonly results: Tensor;
  readonly streams: Streams;
}

/** Tensors for windows of `length` tokens, padded inside. */
export function planWindows(
  config: ReformerConfig,
  shape: {
    readonly batchSize: number;
    readonly length: number;
    /** Windows may be shorter than `length`. */
    readonly masked?: boolean | undefined;
    /** Tokens of a target; default: as many as of a source. Of sequence-to-sequence models only. */
    readonly targetLength?: number | undefined;
  },
  results: Tensor,
  profile: DeviceProfile,
): Windows {
  const pair =
    config.head === "sequence-to-sequence"
      ? pairLengths(config, shape.length, shape.targetLength ?? shape.length)
      : undefined;
  const length = pair?.joined ?? paddedLength(config, shape.length);
  const masked = pair !== undefined || shape.masked === true || length !== shape.length;
  const tokens = shape.batchSize * length;
  return {
    config,
    batchSize: shape.batchSize,
    length: shape.length,
    paddedLength: length,
    inputs: inputTensors(config, shape.batchSize, length, masked, pair),
    outputs: outputTensors(config, shape.batchSize, length),
    results,
    streams: streamPair(config, ["x1", "x2"], tokens, profile.maxStorageBufferBindingSize, "i32"),
  };
}

/** What layers are recorded with on these windows. */
export function contextOf(
  windows: Windows,
  weights: ParameterArena,
  profile: DeviceProfile,
  options: Pick<LayerContext, "recording" | "training" | "fixedPoint" | "withoutLsh" | "gradient"> &
    Partial<Pick<LayerContext, "given" | "halves">>,
): LayerContext {
  const { config, batchSize, paddedLength: length, inputs, outputs } = windows;
  return {
    config,
    batch: batchSize,
    length,
    keyMask: inputs.keyMask,
    control: inputs.control,
    hashControl: inputs.hashControl,
    status: outputs.status,
    weight: weights.get,
    slabRows: (width) => rowsPerSlab(width, profile.maxStorageBufferBindingSize),
    broken: profile.broken,
    chunkDivisor: profile.chunkDivisor,
    headGroup: profile.headGroup,
    given: {},
    ...options,
  };
}

/** Order of the recordings of an evaluation. */
export const EVALUATE = { all: 0, withoutLsh: 1 } as const;

/** Records the loss of the windows: forward, cross-entropy, and the sums of both columns into the results. */
export function recordLosses(context: LayerContext, windows: Windows): void {
  const { recording } = context;
  const { inputs, outputs, results, streams } = windows;
  const { losses, correct, scores } = outputs;
  const { targets, weights } = inputs;
  const rows = elements(losses.shape);
  forwardOf(context, inputs, streams);
  recording.scope("head", () => headLoss(context, streams, { targets, weights, losses, correct, scores }, 0));
  recording.clear(results);
  sumInto(recording, losses, rows, results, inputs.control, RESULT.loss);
  if (hasAccuracy(context.config)) {
    sumInto(recording, correct, rows, results, inputs.control, RESULT.correct);
  }
}

/** Recordings of the loss alone, in the order of EVALUATE. */
export function recordEvaluation(
  windows: Windows,
  weights: ParameterArena,
  fixedPoint: boolean,
  profile: DeviceProfile,
  halves = false,
): Recording[] {
  return [false, true].map((withoutLsh) => {
    const recording = new Recording();
    const options = { recording, training: false, fixedPoint, halves, withoutLsh, gradient: noGradient };
    recordLosses(contextOf(windows, weights, profile, options), windows);
    return recording;
  });
}

/** An evaluation without training. */
export function planEvaluation(
  config: ReformerConfig,
  shape: Parameters<typeof planWindows>[1] & { readonly streams: "int32" | "f32" },
  weights: ParameterArena,
  profile: DeviceProfile,
): { readonly plan: Plan; readonly windows: Windows } {
  const results = new Arena("results", "state").tensor("results", [1, RESULT.columns]);
  const windows = planWindows(config, shape, results, profile);
  const recordings = recordEvaluation(windows, weights, shape.streams === "int32", profile);
  return { plan: plan(recordings, profile, { readbacks: [METRICS_BYTES] }), windows };
}

/** Writes what stays the same for all runs: the padding mask, and a fixed hash seed. */
export function initialiseWindows(prepared: PreparedPlan, windows: Windows): void {
  const { config, batchSize, length, paddedLength: padded, inputs } = windows;
  if (config.hashSeed !== null) {
    prepared.write(inputs.hashControl, packControl({ seed: config.hashSeed, draw: 0 }));
  }
  if (!inputs.keyMask || inputs.pair) return; // the mask of pairs is that of every batch
  const mask = new Uint32Array(batchSize * padded);
  for (let row = 0; row < batchSize; row++) mask.fill(1, row * padded, row * padded + length);
  prepared.write(inputs.keyMask, mask);
}

/** Writes inputs, targets and mask, padding each window on the right; rows missing from a short batch are ignored. */
export function writeBatch(prepared: PreparedPlan, windows: Windows, batch: Batch): void {
  if (windows.inputs.pair) {
    writePairs(prepared, windows, windows.inputs.pair, batch);
    return;
  }
  const { config, batchSize, paddedLength: padded, inputs } = windows;
  const tokens = new Uint32Array(batchSize * padded).fill(fillToken(config));
  for (let row = 0; row < batch.batchSize; row++) {
    const from = row * batch.length;
    tokens.set(batch.inputs.subarray(from, from + batch.length), row * padded);
  }
  prepared.write(inputs.tokens, tokens);
  prepared.write(inputs.targets, targetsOf(windows, batch));
  if (inputs.keyMask && batch.lengths) {
    const mask = new Uint32Array(batchSize * padded);
    for (let row = 0; row < batchSize; row++) {
      // A missing row is one token of padding: a sequence of no tokens would have nothing to attend to.
      mask.fill(1, row * padded, row * padded + (batch.lengths[row] ?? 1));
    }
    prepared.write(inputs.keyMask, mask);
  }
  if (!inputs.weights) return;
  const weights = new Float32Array(elements(inputs.weights.shape)); // missing rows count nothing
  if (batch.weights) weights.set(batch.weights);
  else weights.fill(1, 0, (weights.length / batchSize) * batch.batchSize);
  prepared.write(inputs.weights, weights);
}

function targetsOf(
  { batchSize, paddedLength: padded, inputs }: Windows,
  batch: Batch,
): Int32Array<ArrayBuffer> | Float32Array<ArrayBuffer> {
  const count = elements(inputs.targets.shape);
  if (inputs.targets.type === "f32") {
    const numbers = new Float32Array(count);
    numbers.set(batch.targets);
    return numbers;
  }
  const targets = new Int32Array(count).fill(-100);
  const perRow = batch.targets.length / batch.batchSize;
  for (let row = 0; row < batch.batchSize; row++) {
    const place = inputs.weights ? (row * count) / batchSize : row * padded; // a window's targets, or its tokens'
    targets.set(batch.targets.subarray(row * perRow, (row + 1) * perRow), place);
  }
  return targets;
}

/** Random numbers of evaluations: always the same rotations, so that losses of different steps compare. */
const EVALUATION_DRAW = 0;

/**
 * Mean loss (nats per token) and accuracy over the counted targets of batches of windows; `run` is the recording that
 * computes them.
 */
export async function evaluateWindows(
  prepared: PreparedPlan,
  windows: Windows,
  run: number,
  batches: Iterable<Batch>,
  options: { readonly seed: number; readonly signal?: AbortSignal | undefined },
): Promise<{ loss: number; accuracy: number; tokens: number }> {
  let loss = 0;
  let right = 0;
  let tokens = 0;
  for (const batch of batches) {
    options.signal?.throwIfAborted();
    const control = packControl({ seed: options.seed, draw: EVALUATION_DRAW, lossScale: 1 });
    prepared.write(windows.inputs.control, control);
    writeBatch(prepared, windows, batch);
    await prepared.run(run, { signal: options.signal });
    const results = await prepared.read(windows.results);
    loss += results[RESULT.loss] ?? Number.NaN;
    right += results[RESULT.correct] ?? Number.NaN;
    tokens += countedTargets(batch);
  }
  return { loss: loss / tokens, accuracy: right / tokens, tokens };
}
