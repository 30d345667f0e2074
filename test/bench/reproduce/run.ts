/**
 * `npm run reproduce -- [table2|figure4|figure5...] [--steps N]`: tables and figures of the paper at a size for the
 * adapter, beside what the paper shows; numbers go into docs/reproduced. Other steps than the usual ones write no file.
 */
import { mkdir, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { pollSlowly } from "../../../src/cli/node-gpu.mjs";
import { describeAdapter } from "../../../src/engine/device.js";
import { adapterName, requestDevice } from "../../../src/gpu/gpu.js";
import { tableLines } from "../report.js";
import { figure4 } from "./figure4.js";
import { figure5 } from "./figure5.js";
import type { Reproduction } from "./reproduction.js";
import { table2 } from "./table2.js";

const REPRODUCTIONS: Readonly<Record<string, Reproduction>> = { table2, figure4, figure5 };
const FOLDER = fileURLToPath(new URL("../../../docs/reproduced/", import.meta.url));
const WRONG_CALL = 2;

export async function main(args: readonly string[], { signal }: { signal: AbortSignal }): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { steps: { type: "string" } },
  });
  const names = positionals.length > 0 ? positionals : Object.keys(REPRODUCTIONS);
  const unknown = names.filter((name) => !Object.hasOwn(REPRODUCTIONS, name));
  const steps = values.steps === undefined ? undefined : Number(values.steps);
  if (unknown.length > 0 || (steps !== undefined && !(Number.isInteger(steps) && steps > 0))) {
    const given = unknown.length > 0 ? unknown.join(", ") : `--steps ${values.steps}`;
    console.error(
      `${given}: needed are ${Object.keys(REPRODUCTIONS).join(", ")}; --steps is a whole number above 0.`,
    );
    return WRONG_CALL;
  }
  pollSlowly();
  const device = await requestDevice();
  const adapter = adapterName(device);
  const scale = describeAdapter(device).fallback ? "software" : "gpu";
  device.destroy();
  const date = new Date().toISOString().slice(0, 10);
  console.log(`${adapter}, ${date}`);
  for (const name of names) {
    signal.throwIfAborted();
    const start = performance.now();
    const log = (line: string) => console.error(`${name}: ${line}`);
    const { tables, numbers } = await (REPRODUCTIONS[name] as Reproduction)({ scale, steps, signal, log });
    const minutes = (performance.now() - start) / 60_000;
    for (const table of tables) for (const line of tableLines(table)) console.log(line);
    if (steps !== undefined) continue;
    await mkdir(FOLDER, { recursive: true });
    const content = { date, adapter, command: `npm run reproduce -- ${name}`, minutes, ...numbers, tables };
    await writeFile(`${FOLDER}${name}.json`, `${JSON.stringify(content, null, 2)}\n`);
  }
  return 0;
}
