// Which kernel variants were found fastest, kept for the next visit: a small file for each adapter and driver, as far as the
// browser names them. One that another version of the library or the browser wrote is replaced. Without files, or where
// they fail, choices are remembered as long as the process.
import { sha256, textBytes } from "../io/bytes.js";
import type { CheckpointDirectory } from "../io/checkpoint-store.js";
import { opfsDirectory } from "../io/opfs-store.js";
import { rememberedChoices } from "../scheduler/tune.js";
import { VERSION } from "./version.js";

/** Where the files lie. */
export type ChoiceDirectory = Pick<CheckpointDirectory, "read" | "write" | "rename">;

/** Opens that place; undefined where nothing is kept. */
export type OpenChoices = () => Promise<ChoiceDirectory | undefined>;

/** The browser's private files; undefined where there are none, as in Node or a private window. */
export async function openBrowserChoices(): Promise<ChoiceDirectory | undefined> {
  if (!globalThis.navigator?.storage?.getDirectory) return undefined;
  return opfsDirectory("tuning", "webgpu-reformer-tuning");
}

/** Adds what earlier visits found to what is known of the device's kind; nothing where it cannot be read. */
export async function recallChoices(device: GPUDevice, open: OpenChoices): Promise<void> {
  const known = rememberedChoices(device);
  try {
    const bytes = await (await open())?.read(await fileOf(device));
    const { software, choices } = JSON.parse(new TextDecoder().decode(bytes));
    if (software !== softwareName()) return;
    for (const [key, variant] of Object.entries(choices)) {
      if (typeof variant === "string" && !known.has(key)) known.set(key, variant);
    }
  } catch {
    // No file, none of ours, or no permission: they are timed again.
  }
}

/** Keeps what is known of the device's kind; nothing where it cannot be written. */
export async function keepChoices(device: GPUDevice, open: OpenChoices): Promise<void> {
  try {
    const directory = await open();
    const file = await fileOf(device);
    const choices = Object.fromEntries(rememberedChoices(device));
    const text = JSON.stringify({ software: softwareName(), choices });
    await directory?.write(`${file}.new`, textBytes(text));
    await directory?.rename(`${file}.new`, file);
  } catch {
    // No room or no permission: the next visit times them again.
  }
}

function softwareName(): string {
  return `${VERSION} ${globalThis.navigator?.userAgent ?? ""}`;
}

async function fileOf({ adapterInfo }: GPUDevice): Promise<string> {
  // Chrome names the driver where its flag for WebGPU's developer features is set.
  const info: Partial<GPUAdapterInfo> & { readonly driver?: string } = adapterInfo ?? {};
  const name = [info.vendor, info.architecture, info.device, info.description, info.driver].join("/");
  return `${await sha256(textBytes(name))}.json`;
}
