// Runs kernels through the real path (recording, plan, run) on plain arrays.
import { Gpu } from "../../src/gpu/gpu.js";
import type { Dims, Kernel } from "../../src/gpu/kernel.js";
import { type DeviceProfile, plan } from "../../src/scheduler/plan.js";
import { Arena, Recording, type Tensor } from "../../src/scheduler/recording.js";
import { PreparedPlan } from "../../src/scheduler/run.js";
import { getDevice, matricesOf, withErrorScopes } from "./device.js";

export type TypedArray = Float32Array | Uint32Array | Int32Array;

/** What a run may ask for beyond the plain way. */
export interface RunOptions {
  readonly device?: GPUDevice;
  /** Form by kernel name, or several in order of preference. */
  readonly variants?: Readonly<Record<string, string | readonly string[]>>;
  /** Prefer the forms for adapters that are CPUs. */
  readonly software?: boolean;
}

export const profileOf = (
  device: GPUDevice,
  { variants, software }: Omit<RunOptions, "device"> = {},
): DeviceProfile => ({
  maxBufferSize: device.limits.maxBufferSize,
  maxStorageBufferBindingSize: device.limits.maxStorageBufferBindingSize,
  maxComputeWorkgroupStorageSize: device.limits.maxComputeWorkgroupStorageSize,
  maxComputeInvocationsPerWorkgroup: device.limits.maxComputeInvocationsPerWorkgroup,
  features: device.features as ReadonlySet<string>,
  ...matricesOf(device),
  ...(variants ? { variants } : {}),
  ...(software ? { software } : {}),
});

/** Bit pattern written to outputs before a run: a kernel that leaves an element untouched is caught. */
export const POISON = 0x7fc0_dead;

interface KernelCall {
  readonly kernel: Kernel<Dims>;
  readonly dims: Dims;
  /** Names of values shared between calls: equal names are the same tensor. By default a binding's own name. */
  readonly as?: Readonly<Record<string, string>>;
}

/** One call of a kernel chain, with its dims checked against the kernel. */
export function call<D extends Dims>(
  kernel: Kernel<D>,
  dims: NoInfer<D>,
  as?: Readonly<Record<string, string>>,
): KernelCall {
  return { kernel: kernel as unknown as Kernel<Dims>, dims, ...(as ? { as } : {}) };
}

/**
 * Runs a chain of kernel calls. `values` holds initial contents by name; tensors not in it start poisoned.
 * Optional bindings absent from `values` and never written by an earlier call are left out.
 * Every tensor sits in its own buffer. Returns the final contents of all tensors by name.
 */
export async function runKernels(
  calls: readonly KernelCall[],
  values: Readonly<Record<string, TypedArray>>,
  options: RunOptions = {},
): Promise<Record<string, TypedArray>> {
  const device = options.device ?? (await getDevice());
  return withErrorScopes(device, async () => {
    const gpu = new Gpu(device);
    const recording = new Recording();
    const tensors = new Map<string, Tensor>();
    for (const { kernel, dims, as } of calls) {
      const bound: Record<string, Tensor | undefined> = {};
      for (const [binding, table] of Object.entries(kernel.bindings)) {
        const name = as?.[binding] ?? binding;
        if (table.optional && !(name in values) && !tensors.has(name)) continue;
        const tensor =
          tensors.get(name) ?? new Arena(name, "state").tensor(name, table.shape(dims), table.type ?? "f32");
        tensors.set(name, tensor);
        bound[binding] = tensor;
      }
      recording.dispatch(kernel, dims as never, bound);
    }
    const prepared = await PreparedPlan.create(gpu, plan([recording], profileOf(device, options)));
    try {
      for (const [name, tensor] of tensors) {
        const value = values[name];
        if (value && value.byteLength !== tensor.byteLength) {
          throw new Error(`${name}: ${value.length} values given, ${tensor.byteLength / 4} needed`);
        }
        prepared.write(tensor, value ?? new Uint32Array(tensor.byteLength / 4).fill(POISON));
      }
      await prepared.run();
      const results: Record<string, TypedArray> = {};
      for (const [name, tensor] of tensors) results[name] = await prepared.read(tensor);
      return results;
    } finally {
      gpu.dispose();
    }
  });
}

/** Runs one kernel; see runKernels. */
export function runKernel<D extends Dims>(
  kernel: Kernel<D>,
  dims: NoInfer<D>,
  values: Readonly<Record<string, TypedArray>>,
  options: RunOptions = {},
): Promise<Record<string, TypedArray>> {
  return runKernels([call(kernel, dims)], values, options);
}
