// What a plan must know of a device, from the device.
import { ConfigError } from "../errors.js";
import { SUBGROUP_MATRICES } from "../gpu/kernel.js";
import { DEFAULT_LIMITS, type DeviceProfile } from "./plan.js";

/**
 * @param memoryLimit bytes of GPU memory that a model may hold at once; default: what the device gives
 * @throws {ConfigError} where it is no number of bytes
 */
export function profileOf({ limits, features, adapterInfo }: GPUDevice, memoryLimit?: number): DeviceProfile {
  const profile: Record<string, unknown> = { features: features as ReadonlySet<string> };
  if (memoryLimit !== undefined) profile.memoryLimit = checkMemoryLimit(memoryLimit);
  // Browsers before Chrome 134 have no device.adapterInfo: they keep the forms for GPUs.
  if (adapterInfo?.isFallbackAdapter) profile.software = true;
  if (adapterInfo?.subgroupMinSize) profile.subgroupMinSize = adapterInfo.subgroupMinSize;
  for (const name of Object.keys(DEFAULT_LIMITS) as (keyof DeviceProfile)[]) {
    if (name in limits) profile[name] = limits[name as keyof GPUSupportedLimits];
  }
  return profile as unknown as DeviceProfile;
}

const MATRIX_FEATURES = [SUBGROUP_MATRICES, "subgroups", "shader-f16"];

/** What Chromium's experiment adds to an adapter's description; WebGPU's types do not know it. */
interface MatrixConfig {
  readonly componentType: string;
  readonly resultComponentType: string;
  readonly M: number;
  readonly N: number;
  readonly K: number;
}

/**
 * The profile of a device that was asked for subgroup matrices, with what only its adapter tells: of all matrices that it
 * multiplies, the square ones of halves that are summed in f32. Any other profile as it is.
 */
export async function withMatrices<T extends Pick<DeviceProfile, "features">>(profile: T): Promise<T> {
  if (!MATRIX_FEATURES.every((name) => profile.features.has(name))) return profile;
  const adapter = await navigator.gpu.requestAdapter();
  const info = (adapter?.info ?? {}) as { subgroupMatrixConfigs?: Iterable<MatrixConfig> };
  const matrixSides = Array.from(info.subgroupMatrixConfigs ?? []).flatMap((config) => {
    const { componentType, resultComponentType, M, N, K } = config;
    return componentType === "f16" && resultComponentType === "f32" && M === N && N === K ? [M] : [];
  });
  return { ...profile, matrixSides };
}

/** @throws {ConfigError} where it is no number of bytes */
export function checkMemoryLimit(bytes: number): number {
  if (bytes > 0) return bytes;
  throw new ConfigError(`memoryLimit is ${bytes}, but must be a number of bytes above 0.`, {
    field: "memoryLimit",
  });
}
