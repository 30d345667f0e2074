/**
 * `npm run check:exact`: what this project claims to be exact, measured. Prints a line for each claim; the status is 0
 * only if all hold.
 */
import { readBook } from "../../src/cli/book.js";
import { describeAdapter } from "../../src/engine/device.js";
import { requestDevice } from "../../src/gpu/gpu.js";
import type { Check } from "./check.js";
import { checkInversion } from "./inversion.js";
import { checkBytesPerToken, checkMemory } from "./memory.js";
import { checkProcess, measureProcess } from "./process-memory.js";
import { checkRepeats } from "./repeat.js";

const CHARACTERS = 100_000;

export async function main(args: readonly string[], { signal }: { signal: AbortSignal }): Promise<number> {
  const only = args[0]; // a letter: that check alone
  const started = performance.now();
  const device = await requestDevice();
  const adapter = nameOf(device);
  console.log(`adapter: ${adapter.long}`);
  const text = (await readBook()).slice(0, CHARACTERS);
  const groups: readonly (readonly [letters: string, run: () => Promise<Check[]>])[] = [
    ["a", () => checkInversion(device, text)],
    ["bc", () => checkRepeats(device, text)],
    ["df", () => checkMemory(device, text)],
    [
      "de",
      async () => {
        const measured = await measureProcess(signal);
        return [...checkBytesPerToken(measured), ...(adapter.software ? [checkProcess(measured)] : [])];
      },
    ],
  ];
  let passed = 0;
  let failed = 0;
  for (const [letters, run] of groups) {
    if (only && !letters.includes(only)) continue;
    signal.throwIfAborted();
    for (const check of await run()) {
      check.passed ? passed++ : failed++;
      console.log(
        `${check.passed ? "pass" : "FAIL"}  ${check.name.padEnd(24)}${adapter.short}: ${check.measured}`,
      );
      for (const line of check.details ?? []) console.log(`${" ".repeat(8)}${line}`);
    }
  }
  const seconds = ((performance.now() - started) / 1000).toFixed(0);
  console.log(`${passed} passed, ${failed} failed, ${seconds} s`);
  return failed === 0 && passed > 0 ? 0 : 1;
}

function nameOf(device: GPUDevice): { long: string; short: string; software: boolean } {
  const { vendor, architecture, description, fallback } = describeAdapter(device);
  const long = [description, architecture, vendor].filter(Boolean).join(", ") || "unnamed";
  return { long, short: (long.split(/[ :,]/)[0] as string) || long, software: fallback };
}
