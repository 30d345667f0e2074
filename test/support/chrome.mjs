// Finds the Chrome or Chromium that the browser tests drive; its SwiftShader serves the Node tests.
// Run as a program it installs Chromium where that needs no question (root on Debian or Ubuntu), otherwise it says
// which command to run and exits 1. It never downloads a browser by itself.

import { spawnSync } from "node:child_process";
import { accessSync, constants, existsSync, readFileSync, realpathSync } from "node:fs";
import { delimiter, join } from "node:path";
import { pathToFileURL } from "node:url";
import { findVulkanDriver } from "../../src/cli/node-gpu.mjs";

const NAMES = [
  "chromium",
  "chromium-browser",
  "google-chrome-stable",
  "google-chrome",
  "chrome",
  "microsoft-edge",
];

/** How the tests start it. */
export const CHROME_FLAGS = [
  "--no-sandbox",
  "--enable-unsafe-webgpu",
  "--use-webgpu-adapter=swiftshader",
  // Otherwise SwiftShader compiles one store per word of workgroup memory, 1 ms each (also in src/cli/node-gpu.mjs).
  "--disable-dawn-features=use_vulkan_zero_initialize_workgroup_memory_extension",
  // The crash tests kill the GPU process several times; by default Chrome then blocks WebGPU for the site.
  "--disable-gpu-process-crash-limit",
  "--disable-domain-blocking-for-3d-apis",
  // The tests talk to the local test server and to nothing else.
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--disable-domain-reliability",
  "--no-pings",
  "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
];

/**
 * Places to look, best first.
 * @returns {string[]}
 */
function candidates() {
  const { env, platform } = process;
  const onPath = (env.PATH ?? "").split(delimiter).filter(Boolean);
  const suffix = platform === "win32" ? ".exe" : "";
  const named = NAMES.flatMap((name) => onPath.map((folder) => join(folder, name + suffix)));
  if (platform === "darwin") {
    const apps = ["Google Chrome", "Chromium", "Google Chrome Canary", "Microsoft Edge"];
    const roots = ["/Applications", join(env.HOME ?? "", "Applications")];
    return [
      ...roots.flatMap((root) => apps.map((app) => join(root, `${app}.app/Contents/MacOS/${app}`))),
      ...named,
    ];
  }
  if (platform === "win32") {
    const roots = [env.PROGRAMFILES, env["PROGRAMFILES(X86)"], env.LOCALAPPDATA];
    const apps = ["Google\\Chrome\\Application\\chrome.exe", "Chromium\\Application\\chrome.exe"];
    apps.push("Microsoft\\Edge\\Application\\msedge.exe");
    return [...roots.flatMap((root) => (root ? apps.map((app) => join(root, app)) : [])), ...named];
  }
  return [...named, "/usr/lib/chromium/chromium", "/opt/google/chrome/chrome", "/snap/bin/chromium"];
}

/** @param {string} path */
function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * Path of the browser: CHROME_PATH if set, else the first usual place that has one.
 * @returns {string | undefined}
 */
export function findChrome() {
  const chosen = process.env.CHROME_PATH;
  if (chosen) return isExecutable(chosen) ? chosen : undefined;
  return candidates().find(isExecutable);
}

function isDebian() {
  return existsSync("/etc/debian_version") && isExecutable("/usr/bin/apt-get");
}

function installCommand() {
  if (process.platform === "darwin") return "brew install --cask chromium";
  if (process.platform === "win32") return "winget install Google.Chrome";
  if (isDebian()) {
    // Ubuntu's chromium package is a stub for a snap; it works where snapd runs.
    const ubuntu = /^ID=ubuntu$/m.test(readFileSync("/etc/os-release", "utf8"));
    return `sudo apt-get update && sudo apt-get install -y ${ubuntu ? "chromium-browser" : "chromium"}`;
  }
  return "install Chrome or Chromium with your package manager, or set CHROME_PATH to one";
}

/** @returns {string | undefined} */
function install() {
  const run = (/** @type {string[]} */ args) =>
    spawnSync("apt-get", args, {
      stdio: ["ignore", "inherit", "inherit"],
      env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
    }).status === 0;
  if (run(["update", "-qq"])) {
    run(["install", "-y", "-qq", "--no-install-recommends", "chromium"]) ||
      run(["install", "-y", "-qq", "chromium-browser"]);
  }
  return findChrome();
}

function main() {
  const chosen = process.env.CHROME_PATH;
  if (chosen && !findChrome()) {
    console.error(`CHROME_PATH is ${chosen}, which is not an executable file: correct it or unset it.`);
    return 1;
  }
  let chrome = findChrome();
  if (!chrome && process.getuid?.() === 0 && isDebian()) {
    console.error("No Chrome or Chromium found: installing the distribution's Chromium.");
    chrome = install();
  }
  if (!chrome) {
    console.error(`The tests need Chrome or Chromium and found none. Run:\n\n  ${installCommand()}\n`);
    return 1;
  }
  console.log(`browser tests: ${chrome}`);
  console.log(`Node tests:    Vulkan driver ${findVulkanDriver({ software: true }) ?? "of the system"}`);
  return 0;
}

if (process.argv[1] && import.meta.url === pathToFileURL(realpathSync(process.argv[1])).href)
  process.exitCode = main();
