// What can be asked before a model is made: whether one can run here, and what memory it will take.
import { ReformerError } from "./errors.js";
import type { MemoryUse, PlanOptions, ProfiledDispatch, ProfileOptions, ReformerOptions } from "./types.js";

/** What an adapter or device allows of one buffer, in bytes; its `limits` fit. */
export interface BufferLimits {
  readonly maxBufferSize: number;
  readonly maxStorageBufferBindingSize: number;
}

/**
 * Exactly the bytes of GPU memory that a run will ask for, by category. Needs no GPU. A large model takes a while: every
 * dispatch is planned.
 * @param limits of the device; WebGPU's defaults where left out
 * @throws {ConfigError} {ShapeError} {GpuOutOfMemoryError} where it cannot run at all
 */
export async function planMemory(
  config: ReformerOptions,
  options: PlanOptions,
  limits?: BufferLimits,
): Promise<MemoryUse> {
  const module = await import("./plan-memory.js");
  return module.planMemory(config, options, limits as GPUSupportedLimits | undefined);
}

/**
 * The longest length, in tokens per sequence, that such a run has memory for on a device of these limits and within
 * `memoryLimit`: a multiple of the model's chunk lengths, at most its positions; 0 where none fits. Needs no GPU; plans a
 * handful of lengths.
 * @param limits of the device; WebGPU's defaults where left out
 * @throws {ConfigError}
 */
export async function longestLength(
  config: ReformerOptions,
  options: Omit<PlanOptions, "length"> = {},
  limits?: BufferLimits,
): Promise<number> {
  const module = await import("./plan-memory.js");
  return module.longestLength(config, options, limits as GPUSupportedLimits | undefined);
}

/**
 * Every dispatch of one training step on your device, each timed alone: where a step's time goes. Timed alone a dispatch
 * takes a little longer than within a step. Without the device feature "timestamp-query" it runs one step and times none.
 * @throws {ConfigError} {ShapeError} {GpuOutOfMemoryError}
 */
export async function profileStep(
  device: GPUDevice,
  config: ReformerOptions,
  options: ProfileOptions,
): Promise<ProfiledDispatch[]> {
  const module = await import("./profile-step.js");
  return module.profileStep(device, config, options);
}

export interface Support {
  readonly supported: boolean;
  /** For people: why not, and what to do. */
  readonly reason?: string;
  /** For programs. */
  readonly code?: "insecure-context" | "no-webgpu" | "no-adapter";
}

/** Whether this page gets a WebGPU device. It asks for one and gives it back. */
export async function isSupported(): Promise<Support> {
  const { requestDevice } = await import("./gpu/gpu.js");
  try {
    (await requestDevice()).destroy();
    return { supported: true };
  } catch (error) {
    const code = error instanceof ReformerError ? error.details.reason : undefined;
    return {
      supported: false,
      reason: error instanceof Error ? error.message : String(error),
      code: (code ?? "no-adapter") as NonNullable<Support["code"]>,
    };
  }
}
