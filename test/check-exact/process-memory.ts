// Does the process of a software adapter, whose GPU memory is the process's own, grow by what was planned? Run as a
// process of its own: `node src/cli/run.mjs test/check-exact/process-memory.ts` prints a line of JSON.
import { spawn } from "node:child_process";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { readBook } from "../../src/cli/book.js";
import { requestDevice } from "../../src/gpu/gpu.js";
import { type Check, count, measureRun } from "./check.js";

/** Many bytes for few operations, so that a software adapter gets through a step. */
const CONFIG = {
  layers: ["lsh"] as const,
  hiddenSize: 64,
  numHeads: 2,
  headSize: 32,
  feedForwardSize: 64,
  numHashes: 2,
  lshChunkLength: 16,
  maxLength: 2 ** 18,
};
/** Both hold several of the pieces in which the feed-forward block is evaluated, so that those cancel. */
const SHORT = 16_384;
const LONG = 262_144;
/** Compiles the kernels, which takes memory as well, before anything is measured. */
const WARM_UP = 1024;
/** Growth of the process may differ from the plan by this share: the heap and the driver grow too. */
const TOLERANCE = 0.1;

interface Sized {
  readonly length: number;
  readonly planned: number;
  readonly peak: number;
  /** After dispose. */
  readonly left: number;
  /** Bytes of the process while all of it was held. */
  readonly resident: number;
}

export interface ProcessMemory {
  readonly config: typeof CONFIG;
  readonly short: Sized;
  readonly long: Sized;
}

/** Measures in a process of its own. */
export async function measureProcess(signal: AbortSignal): Promise<ProcessMemory> {
  const args = ["src/cli/run.mjs", "test/check-exact/process-memory.ts"];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"], signal });
  let printed = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    printed += text;
  });
  const status = await new Promise<number | null>((resolve, reject) => {
    child.on("error", reject).on("close", resolve);
  });
  const line = printed.split("\n").find((text) => text.startsWith("{"));
  if (status !== 0 || !line) throw new Error(`the measuring process ended with ${status}: ${printed}`);
  return JSON.parse(line) as ProcessMemory;
}

/** Between the two lengths, so that programs and heap, which do not grow with length, cancel. */
export function checkProcess({ short, long }: ProcessMemory): Check {
  const grown = long.resident - short.resident;
  const planned = long.planned - short.planned;
  const share = grown / planned - 1;
  return {
    name: "(e) process memory",
    passed: Math.abs(share) <= TOLERANCE,
    measured: `from ${count(short.length)} to ${count(long.length)} tokens resident memory grows by ${count(grown)} bytes where ${count(planned)} are planned: ${share >= 0 ? "+" : ""}${(share * 100).toFixed(2)} % (at most 10 %), new process`,
  };
}

export async function main(): Promise<number> {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const resident = () => {
    collect();
    return process.memoryUsage.rss();
  };
  const text = (await readBook()).slice(0, 2 * LONG);
  const training = { steps: 1, evaluateEvery: 0, tokenizer: { type: "characters" } as const };
  const device = await requestDevice();
  const measure = async (length: number): Promise<Sized> => {
    let held = 0;
    const { planned, peak, left } = await measureRun(device, CONFIG, text, { ...training, length }, () => {
      held = resident();
    });
    return { length, planned: planned.total, peak: peak.total, left, resident: held };
  };
  await measure(WARM_UP);
  const short = await measure(SHORT);
  const long = await measure(LONG);
  const result: ProcessMemory = { config: CONFIG, short, long };
  console.log(JSON.stringify(result));
  return 0;
}
