// GPU memory of a run before it is allocated, without a GPU.
import { resolveConfig } from "./config.js";
import { planWeights } from "./engine-device.js";
import { resolveTrainOptions } from "./engine-options.js";
import { parameterArena } from "./model/memory.js";
import { DEFAULT_LIMITS, type DeviceProfile, type MemoryReport } from "./scheduler/plan.js";
import { planEvaluation } from "./train/evaluation.js";
import { planTraining } from "./train/recordings.js";
import type { MemoryUse, PlanOptions, ReformerOptions } from "./types.js";

/**
 * Exactly the bytes of GPU memory that a run will ask for, by category: what `createBuffer` is called with.
 * @param limits of the device, for slabs; WebGPU's defaults where left out
 * @throws {ConfigError} {ShapeError} {GpuOutOfMemoryError} where it cannot run at all
 */
export function planMemory(
  options: ReformerOptions,
  {
    length,
    targetLength,
    batchSize = 1,
    mode = "train",
    backward,
    streams,
    precision,
    optimizer,
  }: PlanOptions,
  limits?: GPUSupportedLimits,
): MemoryUse {
  const config = resolveConfig(options);
  const profile: DeviceProfile = limits
    ? {
        ...DEFAULT_LIMITS,
        maxBufferSize: limits.maxBufferSize,
        maxStorageBufferBindingSize: limits.maxStorageBufferBindingSize,
      }
    : DEFAULT_LIMITS;
  const weights = parameterArena(config, "weights", "weights");
  const base = planWeights(config, weights, profile).memory;
  const { shape } = resolveTrainOptions(config, {
    steps: 1,
    length,
    batchSize,
    backward,
    streams,
    precision,
    optimizer,
  });
  const run =
    mode === "train"
      ? planTraining(config, { ...shape, targetLength }, weights, profile).plan.memory
      : planEvaluation(config, { batchSize, length, targetLength, streams: "f32" }, weights, profile).plan
          .memory;
  return together(base, run);
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
