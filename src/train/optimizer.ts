// The update: global norm and clipping, then AdamW or Adafactor over the flat parameter arenas.
import type { ReformerConfig } from "../config.js";
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
  readonly kind: "adamw";
  readonly beta1: number;
  readonly beta2: number;
  readonly eps: number;
  readonly weightDecay: number;
  /** Largest global gradient norm; 0: no clipping. */
  readonly clipNorm: number;
}

/** Values that share one word of block flags: parameters start at multiples of it. */
const BLOCK = 64;

export interface OptimizerState {
  readonly flatGradients: readonly Tensor[];
  readonly flatWeights: readonly Tensor[];
  readonly flatMoments: readonly Tensor[];
  readonly flatVariances: readonly Tensor[];
  readonly blockFlags: readonly Tensor[];
  /** f32 [8]: norm, clip factor, fault. */
  readonly state: Tensor;
  /** f32 [1, columns]: loss, norm and fault of the last step. */
  readonly results: Tensor;
  /** To save and restore, by name. */
  readonly stateTensors: ReadonlyMap<string, Tensor>;
  /** Writes what never changes. */
  initialise(prepared: PreparedPlan): void;
}

export function optimizerState(
  config: ReformerConfig,
  weights: ParameterArena,
  gradients: ParameterArena,
  profile: DeviceProfile,
): OptimizerState {
  const moments = parameterArena(config, "moments", "optimizer");
  const variances = parameterArena(config, "variances", "optimizer");
  const flatWeights = flatTensors(weights.arena, profile);
  const flags = new Arena("block flags", "optimizer");
  const blockFlags = flatWeights.map((t) => flags.tensor(t.label, [t.byteLength / 4 / BLOCK], "u32"));
  const results = new Arena("results", "state");
  const decayed = new Set(parameters(config).flatMap((p) => (p.decay ? [p.name] : [])));
  const stateTensors = new Map<string, Tensor>();
  for (const [name, tensor] of moments.tensors) stateTensors.set(`${name}.m`, tensor);
  for (const [name, tensor] of variances.tensors) stateTensors.set(`${name}.v`, tensor);
  return {
    flatWeights,
    flatGradients: flatTensors(gradients.arena, profile),
    flatMoments: flatTensors(moments.arena, profile),
    flatVariances: flatTensors(variances.arena, profile),
    blockFlags,
    state: results.tensor("update state", [STATE.words]),
    results: results.tensor("results", [1, RESULT.columns]),
    stateTensors,
    initialise(prepared) {
      flatWeights.forEach((flat, i) => {
        const words = new Uint32Array(flat.byteLength / 4 / BLOCK);
        for (const [name, tensor] of weights.tensors) {
          const first = (tensor.byteOffset - flat.byteOffset) / 4 / BLOCK;
          if (first < 0 || first >= words.length) continue;
          const blocks = Math.ceil(tensor.byteLength / 4 / BLOCK);
          words.fill(
            BLOCK_FLAGS.trainable | (decayed.has(name) ? BLOCK_FLAGS.decayed : 0),
            first,
            first + blocks,
          );
        }
        prepared.write(blockFlags[i] as Tensor, words);
      });
    },
  };
}

/** Norm, clip factor and fault of the gradients, then one optimiser step unless there is a fault. */
export function recordUpdate(
  context: LayerContext,
  optimizer: OptimizerState,
  options: OptimizerOptions,
): void {
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
      maxNorm: options.clipNorm,
      statusLimit: fixedPoint ? FIXED_POINT_STATUS_LIMIT : F32_STATUS_LIMIT,
      slots: 1,
      columns: RESULT.columns,
      column: RESULT.norm,
    },
    { status, state, partials, results, control },
  );
  const { beta1, beta2, eps, weightDecay } = options;
  counts.forEach((count, i) => {
    recording.dispatch(
      adamw,
      { count, beta1, beta2, eps, weightDecay },
      {
        parameters: optimizer.flatWeights[i],
        gradients: optimizer.flatGradients[i],
        moments: optimizer.flatMoments[i],
        variances: optimizer.flatVariances[i],
        blockFlags: optimizer.blockFlags[i],
        control,
        state,
      },
    );
  });
}
