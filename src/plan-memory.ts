// GPU memory of a run before it is allocated, without a GPU.
import { resolveConfig } from "./config/config.js";
import { planWeights } from "./engine/device.js";
import { longestFitting, planLength } from "./engine/length.js";
import { resolveTrainOptions } from "./engine/options.js";
import { parameterArena } from "./model/memory.js";
import { DEFAULT_LIMITS, type DeviceProfile, type MemoryReport, type Plan } from "./scheduler/plan.js";
import { checkMemoryLimit } from "./scheduler/profile.js";
import { planEvaluation } from "./train/evaluation.js";
import { planTraining } from "./train/recordings.js";
import type { MemoryUse, PlanOptions, ReformerOptions } from "./types.js";

/** What lengths are planned for: a model, a kind of run on it, and a device. */
function planner(options: ReformerOptions, run: Omit<PlanOptions, "length">, limits?: GPUSupportedLimits) {
  const { targetLength, batchSize = 1, mode = "train", memoryLimit, ...training } = run;
  const config = resolveConfig(options);
  const profile: DeviceProfile = {
    ...DEFAULT_LIMITS,
    ...(limits && {
      maxBufferSize: limits.maxBufferSize,
      maxStorageBufferBindingSize: limits.maxStorageBufferBindingSize,
    }),
    ...(memoryLimit !== undefined && { memoryLimit: checkMemoryLimit(memoryLimit) }),
  };
  const weights = parameterArena(config, "weights", "weights");
  const base = planWeights(config, weights, profile);
  const make = (p: DeviceProfile, length: number): { readonly plan: Plan } => {
    const { shape } = resolveTrainOptions(config, { steps: 1, length, batchSize, ...training });
    return mode === "train"
      ? planTraining(config, { ...shape, targetLength }, weights, p)
      : planEvaluation(config, { batchSize, length, targetLength, streams: "f32" }, weights, p);
  };
  return { config, profile, base, held: { bytes: base.memory.total, shared: base }, make };
}

/**
 * Exactly the bytes of GPU memory that a run will ask for, by category: what `createBuffer` is called with.
 * @param limits of the device, for slabs; WebGPU's defaults where left out
 * @throws {ConfigError} {ShapeError} {GpuOutOfMemoryError} where it cannot run at all
 */
export function planMemory(
  options: ReformerOptions,
  { length, ...run }: PlanOptions,
  limits?: GPUSupportedLimits,
): MemoryUse {
  const { config, profile, base, held, make } = planner(options, run, limits);
  const { plan } = planLength(config, length, profile, held, make);
  return together(base.memory, plan.memory);
}

/** The longest length that such a run has memory for: `longestFitting`. */
export function longestLength(
  options: ReformerOptions,
  run: Omit<PlanOptions, "length"> = {},
  limits?: GPUSupportedLimits,
): number {
  const { config, profile, held, make } = planner(options, run, limits);
  return longestFitting(config, profile, held, make);
}

/** Two plans at once; the weights are shared. */
function together(base: MemoryReport, run: MemoryReport): MemoryUse {
  const sum: Record<string, number> = {};
  for (const [category, bytes] of Object.entries(run))
    sum[category] = bytes + base[category as keyof MemoryReport];
  sum.weights = base.weights;
  sum.total = base.total + run.total - run.weights;
  sum.largestBinding = Math.max(base.largestBinding, run.largestBinding);
  return sum as unknown as MemoryUse;
}
