/**
 * Gives the Node tests what a browser has: `navigator.gpu` (Dawn) and the GPU constants. Loaded before every Node test
 * file (vite.config.ts), so that the code under test is the same in both hosts.
 */
import { create, globals } from "webgpu";
import { useVulkan } from "./vulkan.mjs";

useVulkan();
Object.assign(globalThis, globals);

// Dawn's devices die with the GPU object that made them: the global keeps it alive as long as the process.
let gpu: GPU | undefined;
const host = (globalThis.navigator ?? {}) as Navigator;
Object.defineProperty(host, "gpu", {
  configurable: true,
  get: () => {
    gpu ??= create([]);
    return gpu;
  },
});
if (!globalThis.navigator)
  Object.defineProperty(globalThis, "navigator", { configurable: true, value: host });
