// Gives Node what a browser has: `navigator.gpu` (Dawn, npm package webgpu) and the GPU constants.

import { existsSync, readdirSync } from "node:fs";
import { constants } from "node:os";
import { dirname, join } from "node:path";
import { create, globals } from "webgpu";

/** Chromium comes with SwiftShader, a Vulkan driver without a GPU, and with the Vulkan loader. */
const CHROMIUM = [
  "/usr/lib/chromium",
  "/opt/google/chrome",
  "/snap/chromium/current/usr/lib/chromium-browser",
];
const SYSTEM_DRIVERS = ["/usr/share/vulkan/icd.d", "/etc/vulkan/icd.d", "/usr/local/share/vulkan/icd.d"];
const RTLD_NODELETE = 0x1000; // Linux: the library stays loaded although Node closes its handle

/** Dawn's devices die with the GPU object that made them, so it lives as long as the process. */
let gpu = /** @type {GPU | undefined} */ (undefined);

/** @param {string} name */
function findBesideChromium(name) {
  const { CHROME_PATH } = process.env;
  const folders = CHROME_PATH ? [dirname(CHROME_PATH), ...CHROMIUM] : CHROMIUM;
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
}

/**
 * Manifest of the Vulkan driver for Dawn on Linux: the environment's, else SwiftShader's; undefined where the system's
 * own driver shall serve.
 * @param {{ software?: boolean }} [options] software: SwiftShader even where the system has drivers, for equal results
 * @returns {string | undefined}
 */
export function findVulkanDriver({ software = false } = {}) {
  if (process.platform !== "linux") return undefined;
  const given = process.env.VK_DRIVER_FILES ?? process.env.VK_ICD_FILENAMES;
  if (given) return given;
  const hasOwn = SYSTEM_DRIVERS.some((folder) => existsSync(folder) && readdirSync(folder).length > 0);
  return software || !hasOwn ? findBesideChromium("vk_swiftshader_icd.json") : undefined;
}

/**
 * Loads a shared library for good; false if there is none.
 * @param {string} library
 */
function loads(library) {
  try {
    process.dlopen({ exports: {} }, library, constants.dlopen.RTLD_LAZY | RTLD_NODELETE);
    return true;
  } catch (error) {
    // A library that is no Node module is loaded nevertheless; this is how Node says so.
    return error instanceof Error && error.message.includes("did not self-register");
  }
}

/**
 * Dawn in Node asks for finished work in a loop of setImmediate, which takes a whole core from a software adapter: once a
 * millisecond will do.
 */
export function pollSlowly() {
  /** @type {(callback: (...args: unknown[]) => void, ...args: unknown[]) => NodeJS.Timeout} */
  const setImmediate = (callback, ...args) => setTimeout(callback, 1, ...args);
  Object.assign(globalThis, { setImmediate });
}

/**
 * Installs `navigator.gpu` and the constants. Call it before anything reads them.
 * @param {{ software?: boolean }} [options] as in findVulkanDriver
 */
export function installGpu(options) {
  const driver = findVulkanDriver(options);
  if (driver) {
    process.env.VK_DRIVER_FILES = driver;
    process.env.VK_ICD_FILENAMES = driver;
    // Dawn opens libvulkan.so.1 by name; a machine without a GPU may have none but Chromium's, so open that one first.
    const loader = findBesideChromium("libvulkan.so.1");
    if (!loads("libvulkan.so.1") && loader) loads(loader);
  }
  Object.assign(globalThis, globals);
  const host = globalThis.navigator ?? {};
  const get = () => {
    // With the driver's own zero-initialisation SwiftShader compiles one store per word of workgroup memory, 1 ms each.
    // Tests also try what drivers only offer as an experiment.
    gpu ??= create(
      options?.software
        ? [
            "disable-dawn-features=use_vulkan_zero_initialize_workgroup_memory_extension",
            "enable-dawn-features=allow_unsafe_apis",
          ]
        : [],
    );
    return gpu;
  };
  Object.defineProperty(host, "gpu", { configurable: true, get });
  // Node 20 has no navigator.
  if (!globalThis.navigator)
    Object.defineProperty(globalThis, "navigator", { configurable: true, value: host });
}
