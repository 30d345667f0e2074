// Every kernel of the library, and a device that compiles their shaders without a GPU.
import { create } from "webgpu";
import { type Dims, type Kernel, SUBGROUP_MATRICES } from "../../src/gpu/kernel.js";

/** Files of src/kernels, by name without ending. */
const modules = Object.entries(
  import.meta.glob<Record<string, unknown>>("../../src/kernels/*.ts", { eager: true }),
).map(([path, exports]) => ({ file: path.replace(/^.*\/|\.ts$/g, ""), exports }));

export const kernelFiles = modules.map(({ file }) => file);

const isKernel = (value: unknown): value is Kernel<Dims> =>
  typeof value === "object" && value !== null && "variants" in value && "bindings" in value;

export const kernels = modules.flatMap(({ file, exports }) =>
  Object.values(exports)
    .filter(isKernel)
    .map((kernel) => ({ file, kernel })),
);

export const kernelVariants = kernels.flatMap(({ file, kernel }) =>
  kernel.variants.map((variant) => ({ file, kernel, variant, title: `${kernel.name} (${variant.name})` })),
);

// The GPU object must outlive its devices, so it lives as long as the test file.
const gpu = create(["backend=null", "enable-dawn-features=allow_unsafe_apis"]);

/** Dawn's device that computes nothing, with every feature that shaders use. */
export async function compilingDevice(): Promise<GPUDevice> {
  const adapter = await gpu.requestAdapter();
  if (!adapter) throw new Error("Dawn offers no null adapter: the npm package webgpu is older than 0.6");
  const used = ["shader-f16", "subgroups", SUBGROUP_MATRICES] as const;
  return adapter.requestDevice({ requiredFeatures: used.filter((name) => adapter.features.has(name)) });
}
