// Everything training runs on the GPU, as recordings that share one memory: clearing the gradients, forward and backward
// of one batch, the update, and the loss alone for held-out text.
import { paddedLength, type ReformerConfig } from "../config.js";
import { ROWS_PER_PARTIAL, recordLoss, sumLosses } from "../kernels/cross-entropy.js";
import type { GivenInputs, LayerContext } from "../layers/context.js";
import { languageModelLoss } from "../layers/head.js";
import { rowsPerSlab } from "../layers/rows.js";
import {
  type Inputs,
  inputTensors,
  type Outputs,
  outputTensors,
  type ParameterArena,
  parameterArena,
  readbackBytes,
  streamPair,
} from "../model/memory.js";
import { forward, forwardBackward } from "../model/stack.js";
import { type DeviceProfile, type Plan, plan } from "../scheduler/plan.js";
import { Recording, type Tensor } from "../scheduler/recording.js";
import { ceilDiv } from "../shapes.js";
import { METRICS_BYTES } from "./metrics.js";
import {
  type OptimizerOptions,
  type OptimizerState,
  optimizerState,
  RESULT,
  recordUpdate,
} from "./optimizer.js";

export interface TrainingShape {
  readonly batchSize: number;
  /** Tokens per sequence before padding. */
  readonly length: number;
  readonly backward: "reversible" | "stored";
  readonly streams: "int32" | "f32";
  readonly labelSmoothing: number;
  readonly optimizer: OptimizerOptions;
}

/** Steps whose results may be outstanding: the GPU never waits for the host to read a loss. */
export const READ_BEHIND = 2;

/** Order of the recordings in the plan. */
export const RUN = { clear: 0, batch: 1, update: 2, evaluate: 3, evaluateWithoutLsh: 4 } as const;

/** A planned training step and the tensors the host writes and reads. */
export interface TrainingPlan {
  readonly plan: Plan;
  readonly shape: TrainingShape;
  /** Tokens per sequence, padding included. */
  readonly paddedLength: number;
  readonly weights: ParameterArena;
  readonly gradients: ParameterArena;
  readonly optimizer: OptimizerState;
  readonly inputs: Inputs;
  readonly outputs: Outputs;
}

/** Plans training without touching a GPU. `weights` are shared with other plans of the same model. */
export function planTraining(
  config: ReformerConfig,
  shape: TrainingShape,
  weights: ParameterArena,
  profile: DeviceProfile,
  given: GivenInputs = {},
): TrainingPlan {
  const length = paddedLength(config, shape.length);
  const tokens = shape.batchSize * length;
  const gradients = parameterArena(config, "gradients", "gradients");
  const optimizer = optimizerState(config, weights, gradients, profile);
  const inputs = inputTensors(config, shape.batchSize, length, length !== shape.length);
  const outputs = outputTensors(tokens);
  const bindingBytes = profile.maxStorageBufferBindingSize;
  const streams = streamPair(config, ["x1", "x2"], tokens, bindingBytes, "i32");
  const dStreams = streamPair(config, ["dx1", "dx2"], tokens, bindingBytes, "f32");

  const record = (
    body: (context: LayerContext, recording: Recording) => void,
    extra: Partial<LayerContext> = {},
  ) => {
    const recording = new Recording();
    const context: LayerContext = {
      recording,
      config,
      batch: shape.batchSize,
      length,
      fixedPoint: shape.streams === "int32",
      training: true,
      keyMask: inputs.keyMask,
      control: inputs.control,
      hashControl: inputs.hashControl,
      status: outputs.status,
      weight: weights.get,
      gradient: gradients.get,
      slabRows: (width) => rowsPerSlab(width, bindingBytes),
      given,
      ...extra,
    };
    body(context, recording);
    return recording;
  };
  const clear = record((_, recording) => {
    recording.clear(outputs.status);
    recording.clear(optimizer.results);
    for (const tensor of optimizer.flatGradients) recording.clear(tensor);
  });
  const { labelSmoothing } = shape;
  const { targets } = inputs;
  const { losses, correct } = outputs;
  const batch = record((context, recording) => {
    const tensors = { tokens: inputs.tokens, targets, losses, streams, gradients: dStreams };
    forwardBackward(context, tensors, { labelSmoothing, store: shape.backward === "stored" });
    sumInto(recording, losses, tokens, optimizer.results, inputs.control, RESULT.loss);
  });
  const update = record((context) => recordUpdate(context, optimizer, shape.optimizer));
  const evaluation = (withoutLsh: boolean) =>
    record(
      (context, recording) => {
        recording.clear(outputs.status);
        forward(context, inputs.tokens, streams);
        recording.scope("head", () => languageModelLoss(context, streams, { targets, losses, correct }, 0));
        recording.clear(optimizer.results);
        sumInto(recording, losses, tokens, optimizer.results, inputs.control, RESULT.loss);
        sumInto(recording, correct, tokens, optimizer.results, inputs.control, RESULT.correct);
      },
      { training: false, withoutLsh },
    );
  const recordings = [clear, batch, update, evaluation(false), evaluation(true)];
  const readbacks = [readbackBytes(config), ...Array<number>(READ_BEHIND + 1).fill(METRICS_BYTES)];
  return {
    plan: plan(recordings, profile, { readbacks }),
    shape,
    paddedLength: length,
    weights,
    gradients,
    optimizer,
    inputs,
    outputs,
  };
}

/** One column of the results += loss scale · Σ terms. */
function sumInto(
  recording: Recording,
  terms: Tensor,
  rows: number,
  results: Tensor,
  control: Tensor,
  column: number,
): void {
  const sums = recording.tensor("sums", [ceilDiv(rows, ROWS_PER_PARTIAL)]);
  recording.dispatch(sumLosses, { rows }, { terms, sums });
  const dims = { rows, slots: 1, columns: RESULT.columns, column, add: true };
  recording.dispatch(recordLoss, dims, { partials: sums, results, control });
}
