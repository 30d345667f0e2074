// A page in headless Firefox, the other implementation of WebGPU (wgpu, its compiler Naga). No driver is needed: the page
// reports to the server that it came from.
import { type ChildProcess, spawn } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";

const NAMES = ["firefox", "firefox-esr", "firefox-developer-edition", "firefox-nightly"];
const USUAL = [
  "/Applications/Firefox.app/Contents/MacOS/firefox",
  "C:\\Program Files\\Mozilla Firefox\\firefox.exe",
];

/** WebGPU also where it is off by default (Linux), and on adapters that are a CPU; nothing that leaves the machine. */
const SETTINGS = {
  "dom.webgpu.enabled": true,
  "gfx.webgpu.ignore-blocklist": true,
  "browser.shell.checkDefaultBrowser": false,
  "datareporting.policy.dataSubmissionEnabled": false,
  "toolkit.telemetry.enabled": false,
  "app.update.enabled": false,
  "network.captive-portal-service.enabled": false,
  "network.connectivity-service.enabled": false,
};

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Path of the browser: FIREFOX_PATH if set, else the first usual place that has one. */
export function findFirefox(): string | undefined {
  const chosen = process.env.FIREFOX_PATH;
  if (chosen) return isExecutable(chosen) ? chosen : undefined;
  const folders = (process.env.PATH ?? "").split(delimiter).filter(Boolean);
  const named = NAMES.flatMap((name) => folders.map((folder) => join(folder, name)));
  return [...named, ...USUAL].find(isExecutable);
}

export interface FirefoxPage {
  /** Rejects when the browser ends by itself. */
  readonly ended: Promise<never>;
  close(): Promise<void>;
}

/**
 * Shows `url` in a profile of its own, which `close` removes. The adapter is that of the environment (`VK_ICD_FILENAMES`).
 * @throws {Error} where there is no Firefox
 */
export async function openFirefox(url: string): Promise<FirefoxPage> {
  const executable = findFirefox();
  if (!executable) {
    const chosen = process.env.FIREFOX_PATH;
    throw new Error(
      chosen
        ? `FIREFOX_PATH is ${chosen}, which is not an executable file: correct it or unset it`
        : "no Firefox found: install it (Debian: sudo apt-get install -y firefox-esr), or set FIREFOX_PATH to one",
    );
  }
  const profile = await mkdtemp(join(tmpdir(), "webgpu-reformer-firefox-"));
  const settings = Object.entries(SETTINGS).map(([name, value]) => `user_pref("${name}", ${value});\n`);
  await writeFile(join(profile, "user.js"), settings.join(""));
  const browser = spawn(executable, ["--headless", "--no-remote", "--profile", profile, url], {
    stdio: "ignore",
    env: { ...process.env, HOME: profile }, // its caches too
  });
  const gone = exitOf(browser);
  const ended = gone.then((how): never => {
    throw new Error(`Firefox ended by itself: ${how}`);
  });
  ended.catch(() => {});
  return {
    ended,
    async close() {
      browser.kill();
      await gone;
      await rm(profile, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

function exitOf(process: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    process.once("error", ({ message }) => resolve(message));
    process.once("exit", (code, signal) => resolve(signal ?? `status ${code}`));
  });
}
