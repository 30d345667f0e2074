/** The GPU device of a test file, the same way in Chrome and in Node (where test/support/node-gpu.ts gives `navigator.gpu`). */
import { SUBGROUP_MATRICES } from "../../src/gpu/kernel.js";
import { DEFAULT_LIMITS, type DeviceProfile } from "../../src/scheduler/plan.js";
import { withMatrices } from "../../src/scheduler/profile.js";

/** Features that the project's faster variants use; requested where the adapter offers them. */
const FEATURES = ["timestamp-query", "shader-f16", "subgroups", SUBGROUP_MATRICES] as const;

/** What a test may ask of its device. */
export interface DeviceOptions {
  /** Limits beyond the defaults; the test fails if the adapter has less. */
  requiredLimits?: Record<string, number>;
  /** Features instead of the usual ones; the test fails if the adapter lacks one. */
  requiredFeatures?: GPUFeatureName[];
  /** True: keep WebGPU's default limits (128 MiB bindings, 256 MiB buffers) and request no raised ones. */
  defaultLimits?: boolean;
}

const MATRICES = new WeakMap<GPUDevice, DeviceProfile>();

let shared: Promise<GPUDevice> | undefined;

async function openDevice(options: DeviceOptions): Promise<GPUDevice> {
  const gpu = globalThis.navigator?.gpu;
  if (!gpu) {
    throw new Error(
      "navigator.gpu is missing: the tests need Chrome or Chromium 113 or newer with WebGPU switched on, or Node with the npm package webgpu.",
    );
  }
  const adapter = await gpu.requestAdapter();
  if (!adapter) {
    throw new Error(
      "No WebGPU adapter: this machine has no GPU driver that works and no software one. In Node set VK_DRIVER_FILES to a " +
        "Vulkan driver manifest, or install Chromium, whose SwiftShader the tests find by themselves (node test/support/chrome.mjs).",
    );
  }
  const raised: Record<string, number> = options.defaultLimits
    ? {}
    : {
        maxBufferSize: adapter.limits.maxBufferSize,
        maxStorageBufferBindingSize: adapter.limits.maxStorageBufferBindingSize,
      };
  const device = await adapter.requestDevice({
    requiredFeatures: options.requiredFeatures ?? FEATURES.filter((feature) => adapter.features.has(feature)),
    requiredLimits: { ...raised, ...options.requiredLimits },
  });
  const features = device.features as ReadonlySet<string>;
  MATRICES.set(device, await withMatrices({ ...DEFAULT_LIMITS, features }));
  return device;
}

/** What the adapter of a device that was opened here tells of subgroup matrices. */
export function matricesOf(device: GPUDevice): Pick<DeviceProfile, "matrixSides"> {
  const { matrixSides } = MATRICES.get(device) ?? {};
  return matrixSides ? { matrixSides } : {};
}

/**
 * A device for tests. Without options all tests of a file share one, and nobody may destroy it; with options each call
 * opens a new one, which the caller destroys.
 * @throws Error if there is no WebGPU or no adapter: tests are never skipped for want of a GPU.
 */
export function getDevice(options?: DeviceOptions): Promise<GPUDevice> {
  if (options) return openDevice(options);
  shared ??= openDevice({});
  return shared;
}

/**
 * Runs `fn` inside a validation, an internal and an out-of-memory error scope, and returns its result.
 * @throws Error with the GPU's message if a scope caught one, even where `fn` itself succeeded.
 */
export async function withErrorScopes<T>(device: GPUDevice, fn: () => T | Promise<T>): Promise<T> {
  const filters = ["out-of-memory", "internal", "validation"] as const;
  for (const filter of filters) device.pushErrorScope(filter);
  let outcome: { value: T } | { thrown: unknown };
  try {
    outcome = { value: await fn() };
  } catch (thrown) {
    outcome = { thrown };
  }
  const messages: string[] = [];
  for (const filter of [...filters].reverse()) {
    const error = await device.popErrorScope();
    if (error) messages.push(`${filter}: ${error.message}`);
  }
  if (messages.length > 0) {
    throw new Error(
      `The GPU reported: ${messages.join("; ")}`,
      "thrown" in outcome ? { cause: outcome.thrown } : {},
    );
  }
  if ("thrown" in outcome) throw outcome.thrown;
  return outcome.value;
}
