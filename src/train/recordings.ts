// Everything training runs on the GPU, as recordings that share one memory: clearing the gradients, forward and backward
// of one batch, the update, and the loss alone for held-out text.
import type { ReformerConfig } from "../config/config.js";
import { STATE } from "../kernels/global-norm.js";
import { halfVariants } from "../kernels/matmul.js";
import type { GivenInputs } from "../layers/context.js";
import { CONTROL_LOSS_EXPONENT } from "../model/control.js";
import { type ParameterArena, parameterArena, readbackBytes, streamPair } from "../model/memory.js";
import { isAboveBody, parameters } from "../model/parameters.js";
import { forwardBackward } from "../model/stack.js";
import { type DeviceProfile, type Plan, plan } from "../scheduler/plan.js";
import { element, Recording } from "../scheduler/recording.js";
import { elements } from "../shapes.js";
import { contextOf, EVALUATE, planWindows, recordEvaluation, type Windows } from "./evaluation.js";
import { type OptimizerOptions, type OptimizerState, optimizerState, recordUpdate } from "./optimizer.js";
import { METRICS_BYTES, RESULT, sumInto } from "./results.js";

export interface TrainingShape {
  readonly batchSize: number;
  /** Tokens per sequence before padding. */
  readonly length: number;
  /** Tokens of a target, its end included; with a sequence-to-sequence model `length` is that of a source. */
  readonly targetLength?: number | undefined;
  readonly backward: "reversible" | "stored";
  readonly streams: "int32" | "f32";
  /**
   * "mixed": products of operands rounded to halves, summed in f32, gradients of a scaled loss; normalised rows, queries,
   * keys and values of attention are stored as halves.
   */
  readonly precision: "f32" | "mixed";
  readonly labelSmoothing: number;
  readonly optimizer: OptimizerOptions;
  /** Sequences may be shorter than `length`. */
  readonly masked?: boolean | undefined;
}

/** Steps whose results may be outstanding: the GPU never waits for the host to read a loss. */
export const READ_BEHIND = 2;

/** Order of the recordings in the plan. */
export const RUN = {
  clear: 0,
  batch: 1,
  update: 2,
  evaluate: 3 + EVALUATE.all,
  evaluateWithoutLsh: 3 + EVALUATE.withoutLsh,
} as const;

/** A planned training step and the tensors the host writes and reads. */
export interface TrainingPlan {
  readonly plan: Plan;
  readonly shape: TrainingShape;
  readonly windows: Windows;
  readonly weights: ParameterArena;
  readonly gradients: ParameterArena;
  readonly optimizer: OptimizerState;
}

/**
 * Plans training without touching a GPU. `weights` are shared with other plans of the same model; `given` replaces what
 * forward and backward would draw or hash.
 */
export function planTraining(
  config: ReformerConfig,
  shape: TrainingShape,
  weights: ParameterArena,
  device: DeviceProfile,
  given: GivenInputs = {},
): TrainingPlan {
  const mixed = shape.precision === "mixed";
  const variants = { ...device.variants, ...(mixed && halfVariants(device.features)) };
  // What is tuned is exact: halves are asked for by name.
  const profile: DeviceProfile = { ...device, variants, ...(mixed && { tuned: {} }) };
  const gradients = parameterArena(config, "gradients", "gradients");
  const optimizer = optimizerState(config, weights, gradients, profile, shape.optimizer, mixed);
  const { results } = optimizer;
  const windows = planWindows(config, shape, results, profile);
  const { inputs, outputs, streams } = windows;
  const { frozen = [] } = shape.optimizer;
  const headOnly = parameters(config).every(
    (parameter) =>
      isAboveBody(config, parameter) || frozen.some((prefix) => parameter.name.startsWith(prefix)),
  );
  const tokens = shape.batchSize * windows.paddedLength;
  const bindingBytes = profile.maxStorageBufferBindingSize;
  const dStreams = streamPair(config, ["dx1", "dx2"], tokens, bindingBytes, "f32");
  const fixedPoint = shape.streams === "int32";
  const halves = mixed && config.hiddenSize % 2 === 0; // two to a word
  const context = () => ({
    ...contextOf(windows, weights, profile, {
      recording: new Recording(),
      training: true,
      fixedPoint,
      halves,
      withoutLsh: false,
      gradient: gradients.get,
    }),
    given,
  });

  const clear = new Recording();
  clear.clear(outputs.status);
  clear.clear(results);
  for (const tensor of optimizer.flatGradients) clear.clear(tensor);

  const batch = context();
  const { targets, weights: targetWeights } = inputs;
  const { losses, scores } = outputs;
  if (mixed) {
    batch.recording.copy(
      element(optimizer.state, STATE.lossExponent),
      element(inputs.control, CONTROL_LOSS_EXPONENT),
    );
  }
  forwardBackward(
    batch,
    {
      tokens: inputs.tokens,
      pair: inputs.pair,
      targets,
      weights: targetWeights,
      losses,
      scores,
      streams,
      gradients: dStreams,
    },
    { labelSmoothing: shape.labelSmoothing, store: shape.backward === "stored" && !headOnly, headOnly },
  );
  sumInto(batch.recording, losses, elements(losses.shape), results, inputs.control, RESULT.loss);

  const update = context();
  recordUpdate(update, optimizer);

  const evaluation = recordEvaluation(windows, weights, fixedPoint, profile, halves);
  const recordings = [clear, batch.recording, update.recording, ...evaluation];
  const readbacks = [readbackBytes(config), ...Array<number>(READ_BEHIND + 1).fill(METRICS_BYTES)];
  return { plan: plan(recordings, profile, { readbacks }), shape, windows, weights, gradients, optimizer };
}
