// What a plan must know of a device, from the device.
import { ConfigError } from "../errors.js";
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

/** @throws {ConfigError} where it is no number of bytes */
export function checkMemoryLimit(bytes: number): number {
  if (bytes > 0) return bytes;
  throw new ConfigError(`memoryLimit is ${bytes}, but must be a number of bytes above 0.`, {
    field: "memoryLimit",
  });
}
