// The model's weights on one device, and what is needed to put them on another after the device was lost.
import type { ReformerConfig } from "../config/config.js";
import { Gpu, type GpuOptions, requestDevice } from "../gpu/gpu.js";
import { type ParameterArena, parameterArena, readbackBytes } from "../model/memory.js";
import { type DeviceProfile, type Plan, plan } from "../scheduler/plan.js";
import { profileOf } from "../scheduler/profile.js";
import { PreparedPlan } from "../scheduler/run.js";
import type { AdapterDescription } from "../types.js";

/** The plan that holds the weights alone; all other plans share them. */
export function planWeights(config: ReformerConfig, weights: ParameterArena, profile: DeviceProfile): Plan {
  return plan([], profile, { arenas: [weights.arena], readbacks: [readbackBytes(config)] });
}

/** Weights in GPU memory. */
export interface OpenDevice {
  readonly gpu: Gpu;
  readonly profile: DeviceProfile;
  readonly weights: ParameterArena;
  readonly base: PreparedPlan;
}

/**
 * Opens `device`, or a new one, with memory for the weights.
 * @throws {ConfigError} {WebGPUUnavailableError} {GpuOutOfMemoryError}
 */
export async function openDevice(
  config: ReformerConfig,
  device?: GPUDevice,
  options: GpuOptions = {},
): Promise<OpenDevice> {
  const gpu = new Gpu(device ?? (await requestDevice()), device === undefined, options);
  try {
    const profile = profileOf(gpu.device, options.memoryLimit);
    const weights = parameterArena(config, "weights", "weights");
    return {
      gpu,
      profile,
      weights,
      base: await PreparedPlan.create(gpu, planWeights(config, weights, profile)),
    };
  } catch (error) {
    gpu.dispose();
    throw error;
  }
}

/** Names under which software adapters report themselves. */
const SOFTWARE = /swiftshader|llvmpipe|lavapipe|software|warp|basic render/i;

export function describeAdapter(device: GPUDevice): AdapterDescription {
  const { vendor = "", architecture = "", description = "" } = device.adapterInfo ?? {};
  return {
    vendor,
    architecture,
    description,
    features: [...(device.features as ReadonlySet<string>)].sort(),
    maxBufferSize: device.limits.maxBufferSize,
    maxStorageBufferBindingSize: device.limits.maxStorageBufferBindingSize,
    fallback: SOFTWARE.test(`${vendor} ${architecture} ${description}`),
  };
}
