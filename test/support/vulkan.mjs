// Finds a Vulkan driver for Dawn in Node on Linux: the environment's, else the SwiftShader that comes with Chromium.

import { existsSync, realpathSync } from "node:fs";
import { constants } from "node:os";
import { dirname, join } from "node:path";
import { findChrome } from "./chrome.mjs";

const FOLDERS = [
  "/usr/lib/chromium",
  "/opt/google/chrome",
  "/snap/chromium/current/usr/lib/chromium-browser",
];
const RTLD_NODELETE = 0x1000; // Linux: the library stays loaded although Node closes its handle

/**
 * The driver manifest and the Vulkan loader beside it; undefined where the system's own shall serve.
 * @returns {{ driver?: string, loader?: string }}
 */
export function findVulkan() {
  const given = process.env.VK_DRIVER_FILES ?? process.env.VK_ICD_FILENAMES;
  if (process.platform !== "linux") return {};
  const chrome = findChrome();
  const folders = chrome ? [dirname(realpathSync(chrome)), ...FOLDERS] : FOLDERS;
  const find = (/** @type {string} */ name) =>
    folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
  const driver = given ?? find("vk_swiftshader_icd.json");
  const loader = find("libvulkan.so.1");
  return { ...(driver && { driver }), ...(loader && { loader }) };
}

/** Makes Dawn, in this process, use what findVulkan() found. Call it before the first `requestAdapter()`. */
export function useVulkan() {
  const { driver, loader } = findVulkan();
  if (!driver) return;
  process.env.VK_DRIVER_FILES = driver;
  process.env.VK_ICD_FILENAMES = driver;
  // Dawn opens libvulkan.so.1 by name, and a machine without a GPU may have none but Chromium's: open that one first.
  if (!opens("libvulkan.so.1") && loader) opens(loader);
}

/**
 * Loads a shared library for good; false if there is none.
 * @param {string} library
 */
function opens(library) {
  try {
    process.dlopen({ exports: {} }, library, constants.dlopen.RTLD_LAZY | RTLD_NODELETE);
    return true;
  } catch (error) {
    // A library that is no Node module is loaded nevertheless; this is how Node says so.
    return error instanceof Error && error.message.includes("did not self-register");
  }
}
