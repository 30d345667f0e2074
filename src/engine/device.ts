// The model's weights on one device, and what is needed to put them on another after the device was lost.
import { lengthStep, longestLength, type ReformerConfig } from "../config/config.js";
import { Gpu, type GpuOptions, requestDevice } from "../gpu/gpu.js";
import { type ParameterArena, parameterArena, readbackBytes } from "../model/memory.js";
import { type DeviceProfile, type Plan, plan } from "../scheduler/plan.js";
import { profileOf, withMatrices } from "../scheduler/profile.js";
import { PreparedPlan } from "../scheduler/run.js";
import { PlanTester } from "../self-test/self-test.js";
import { planEvaluation } from "../train/evaluation.js";
import type { AdapterDescription, CreateOptions } from "../types.js";

/** The plan that holds the weights alone; all other plans share them. */
export function planWeights(config: ReformerConfig, weights: ParameterArena, profile: DeviceProfile): Plan {
  return plan([], profile, { arenas: [weights.arena], readbacks: [readbackBytes(config)] });
}

/**
 * The forward pass over two chunks, or what fits the positions, of whose kernels every use of a model runs most. A body
 * without a head is planned as a question-answering model, whose head runs nothing that others do not.
 */
export function planForward(given: ReformerConfig, profile: DeviceProfile) {
  const config: ReformerConfig = given.head === "none" ? { ...given, head: "question-answering" } : given;
  const step = lengthStep(config);
  const length = Math.max(1, step * Math.min(2, Math.floor(longestLength(config) / step)));
  const weights = parameterArena(config, "weights", "weights");
  return planEvaluation(config, { batchSize: 1, length, streams: "f32" }, weights, profile);
}

/** Weights in GPU memory. */
export interface OpenDevice {
  readonly gpu: Gpu;
  /** Makes all plans that run on the device. */
  readonly planner: PlanTester;
  readonly weights: ParameterArena;
  readonly base: PreparedPlan;
}

/**
 * Opens `device`, or a new one, tests it unless `selfTest` is false, and allocates memory for the weights. What a later test finds is
 * told by `onProgress` as long as the device lives.
 * @throws {ConfigError} {WebGPUUnavailableError} {SelfTestError} {GpuOutOfMemoryError}
 */
export async function openDevice(
  config: ReformerConfig,
  device?: GPUDevice,
  options: GpuOptions & Pick<CreateOptions, "selfTest" | "onProgress"> = {},
): Promise<OpenDevice> {
  const { selfTest: tested, onProgress } = options;
  const onNotice = (notice: string) => onProgress?.({ phase: "compile", loaded: 1, total: 1, notice });
  const gpu = new Gpu(device ?? (await requestDevice()), device === undefined, options);
  try {
    const given = await withMatrices(profileOf(gpu.device, options.memoryLimit));
    const planner = new PlanTester(gpu.device, given, { tested, onNotice });
    await planner.plan((profile) => planForward(config, profile));
    const weights = parameterArena(config, "weights", "weights");
    const base = await PreparedPlan.create(gpu, planWeights(config, weights, planner.profile));
    return { gpu, planner, weights, base };
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
