// The update: global norm and clipping, then AdamW or Adafactor over the parameter arenas.
import type { ReformerConfig } from "../config/config.js";
import { ADAFACTOR_STAGES, type AdafactorDims, adafactorPartials } from "../kernels/adafactor.js";
import { adamw, BLOCK_FLAGS } from "../kernels/adamw.js";
import {
  F32_STATUS_LIMIT,
  FIXED_POINT_STATUS_LIMIT,
  globalNorm,
  STATE,
  squareSums,
  squareSumsPartials,
} from "../kernels/global-norm.js";
import type { LayerContext } from "../layers/context.js";
import { type ParameterArena, parameterArena } from "../model/memory.js";
import { parameters } from "../model/parameters.js";
import { type DeviceProfile, flatTensors } from "../scheduler/plan.js";
import { Arena, type Tensor } from "../scheduler/recording.js";
import type { PreparedPlan } from "../scheduler/run.js";
import { RESULT } from "./results.js";

export interface OptimizerOptions {
  /** Adafactor has no use for the betas and eps: its averages follow the step, its other numbers are the paper's. */
  readonly kind: "adamw" | "adafactor";
  readonly beta1: number;
  readonly beta2: number;
  readonly eps: number;
  readonly weightDecay: number;
  /** Largest global gradient norm; 0: no clipping. */
  readonly clipNorm: number;
  /** Parameters whose names begin with one of these stay as they are. */
  readonly frozen?: readonly string[] | undefined;
}

/** Name of the update state among the tensors to save. */
export const UPDATE_STATE = "update_state";

/** Gradients of a mixed run start as those of 2^16 times the loss: most stay above 6e-8, the smallest half. */
const FIRST_LOSS_EXPONENT = 16;

/** Of Adafactor: Shazeer & Stern 2018; the learning rate is absolute, as the authors of the Reformer use it. */
const ADAFACTOR = {
  decayExponent: 0.8,
  epsilon1: 1e-30,
  epsilon2: 1e-3,
  clipThreshold: 1,
  scaleByParameter: false,
} as const;

/** Values that share one word of block flags: parameters start at multiples of it. */
const BLOCK = 64;

/** Turns gradients into a step, given the clip factor and fault in `state`. */
interface UpdateRule {
  /** To save and restore, by name. */
  readonly stateTensors: ReadonlyMap<string, Tensor>;
  record(context: LayerContext, state: Tensor): void;
}

export interface OptimizerState extends UpdateRule {
  readonly clipNorm: number;
  readonly flatGradients: readonly Tensor[];
  readonly blockFlags: readonly Tensor[];
  /** f32 [8], words of STATE: norm, clip factor and fault of the last step, and the scale of the loss. */
  readonly state: Tensor;
  /** The scale of the loss is chosen by what the gradients allow; else it is 1. */
  readonly scaled: boolean;
  /** f32 [1, columns]: loss, norm and fault of the last step. */
  readonly results: Tensor;
  /** Writes what never changes. */
  initialise(prepared: PreparedPlan): void;
}

export function optimizerState(
  config: ReformerConfig,
  weights: ParameterArena,
  gradients: ParameterArena,
  profile: DeviceProfile,
  options: OptimizerOptions,
  scaled: boolean,
): OptimizerState {
  const flatWeights = flatTensors(weights.arena, profile);
  const flatGradients = flatTensors(gradients.arena, profile);
  const flags = new Arena("block flags", "optimizer");
  const blockFlags = flatWeights.map((t) => flags.tensor(t.label, [t.byteLength / 4 / BLOCK], "u32"));
  const results = new Arena("results", "state");
  const state = results.tensor("update state", [STATE.words]);
  const decayed = new Set(parameters(config).flatMap((p) => (p.decay ? [p.name] : [])));
  const isFrozen = (name: string) => options.frozen?.some((prefix) => name.startsWith(prefix)) ?? false;
  const rule =
    options.kind === "adamw"
      ? adamwRule(config, { flatWeights, flatGradients, blockFlags }, profile, options)
      : adafactorRule(config, weights, gradients, options.weightDecay, isFrozen);
  return {
    ...rule,
    stateTensors: scaled ? new Map([...rule.stateTensors, [UPDATE_STATE, state]]) : rule.stateTensors,
    scaled,
    clipNorm: options.clipNorm,
    flatGradients,
    blockFlags,
    state,
    results: results.tensor("results", [1, RESULT.columns]),
    initialise(prepared) {
      flatWeights.forEach((flat, i) => {
        const words = new Uint32Array(flat.byteLength / 4 / BLOCK);
        for (const [name, tensor] of weights.tensors) {
          const first = (tensor.byteOffset - flat.byteOffset) / 4 / BLOCK;
          if (first < 0 || first >= words.length) continue;
          const blocks = Math.ceil(tensor.byteLength / 4 / BLOCK);
          words.fill(
            (isFrozen(name) ? 0 : BLOCK_FLAGS.trainable) | (decayed.has(name) ? BLOCK_FLAGS.decayed : 0),
            first,
            first + blocks,
          );
        }
        prepared.write(blockFlags[i] as Tensor, words);
      });
      if (scaled) prepared.write(state, Float32Array.of(FIRST_LOSS_EXPONENT), STATE.lossExponent);
    },
  };
}

function adamwRule(
  config: ReformerConfig,
  flat: Readonly<Record<"flatWeights" | "flatGradients" | "blockFlags", readonly Tensor[]>>,
  profile: DeviceProfile,
  { beta1, beta2, eps, weightDecay }: OptimizerOptions,
): UpdateRule {
  const moments = parameterArena(config, "moments", "optimizer");
  const variances = parameterArena(config, "variances", "optimizer");
  const flatMoments = flatTensors(moments.arena, profile);
  const flatVariances = flatTensors(variances.arena, profile);
  const stateTensors = new Map<string, Tensor>();
  for (const [name, tensor] of moments.tensors) stateTensors.set(`${name}.m`, tensor);
  for (const [name, tensor] of variances.tensors) stateTensors.set(`${name}.v`, tensor);
  return {
    stateTensors,
    record({ recording, control }, state) {
      flat.flatWeights.forEach((parameters, i) => {
        recording.dispatch(
          adamw,
          { count: parameters.byteLength / 4, beta1, beta2, eps, weightDecay },
          {
            parameters,
            gradients: flat.flatGradients[i],
            moments: flatMoments[i],
            variances: flatVariances[i],
            blockFlags: flat.blockFlags[i],
            control,
            state,
          },
        );
      });
    },
  };
}

/** Keeps squares per row and per column; a tensor of more axes is a matrix of its last one. */
function adafactorRule(
  config: ReformerConfig,
  weights: ParameterArena,
  gradients: ParameterArena,
  weightDecay: number,
  isFrozen: (name: string) => boolean,
): UpdateRule {
  const squares = new Arena("factored squares", "optimizer");
  const stateTensors = new Map<string, Tensor>();
  const trained = parameters(config).filter(({ name }) => !isFrozen(name));
  const steps = trained.map(({ name, shape, decay }) => {
    const columns = shape.at(-1) ?? 1;
    const rows = shape.slice(0, -1).reduce((a, b) => a * b, 1);
    const rowMoments = squares.tensor(`${name}.r`, [rows]);
    const columnMoments = squares.tensor(`${name}.c`, [columns]);
    stateTensors.set(`${name}.r`, rowMoments);
    stateTensors.set(`${name}.c`, columnMoments);
    const dims: AdafactorDims = { rows, columns, ...ADAFACTOR, weightDecay: decay ? weightDecay : 0 };
    return { dims, rowMoments, columnMoments, parameters: weights.get(name), gradients: gradients.get(name) };
  });
  return {
    stateTensors,
    record({ recording, control }, state) {
      for (const { dims, ...tensors } of steps) {
        const partials = recording.tensor("partials", [adafactorPartials(dims)]);
        const stepScales = recording.tensor("step scales", [2]);
        for (const stage of ADAFACTOR_STAGES) {
          recording.dispatch(stage, dims, { ...tensors, control, state, partials, stepScales });
        }
      }
    },
  };
}

/** Norm, clip factor and fault of the gradients, then one optimiser step unless there is a fault. */
export function recordUpdate(context: LayerContext, optimizer: OptimizerState): void {
  const { recording, control, status, fixedPoint } = context;
  const { state, results } = optimizer;
  const counts = optimizer.flatGradients.map((t) => t.byteLength / 4);
  const total = counts.reduce((sum, count) => sum + squareSumsPartials(count), 0);
  const partials = recording.tensor("square sums", [total, 2]);
  let first = 0;
  optimizer.flatGradients.forEach((gradients, i) => {
    const count = counts[i] as number;
    const blockFlags = optimizer.blockFlags[i];
    recording.dispatch(squareSums, { count, first, partials: total }, { gradients, blockFlags, partials });
    first += squareSumsPartials(count);
  });
  recording.dispatch(
    globalNorm,
    {
      count: total,
      first: 0,
      partials: total,
      maxNorm: optimizer.clipNorm,
      scaled: optimizer.scaled,
      statusLimit: fixedPoint ? FIXED_POINT_STATUS_LIMIT : F32_STATUS_LIMIT,
      slots: 1,
      columns: RESULT.columns,
      column: RESULT.norm,
    },
    { status, state, partials, results, control },
  );
  optimizer.record(context, state);
}
