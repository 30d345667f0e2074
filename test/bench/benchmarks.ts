// The benchmarks by name, and the machine they run on.
import { describeAdapter } from "../../src/engine/device.js";
import type { ModelFiles } from "../../src/types.js";
import { benchCrossover } from "./crossover.js";
import { benchGenerate } from "./generate.js";
import { benchHashing } from "./hashing.js";
import { benchKernels } from "./kernels.js";
import { benchLong } from "./long.js";
import { benchProducts } from "./products.js";
import type { RunBench, Table } from "./report.js";
import { benchScaling } from "./scaling.js";

export const BENCHMARKS: Readonly<Record<string, RunBench>> = {
  kernels: benchKernels,
  products: benchProducts,
  scaling: benchScaling,
  crossover: benchCrossover,
  generate: benchGenerate,
  long: benchLong,
  hashing: benchHashing,
};

export interface Reporter {
  table(table: Table): void | Promise<void>;
  log(line: string): void | Promise<void>;
}

/** Runs one benchmark at the size that suits the adapter, telling as it goes. */
export async function runBenchmark(
  name: string,
  device: GPUDevice,
  reporter: Reporter,
  model?: ModelFiles,
): Promise<void> {
  const run = BENCHMARKS[name] as RunBench;
  const scale = describeAdapter(device).fallback ? "software" : "gpu";
  for await (const table of run({ device, scale, model, log: (line) => void reporter.log(line) })) {
    await reporter.table(table);
  }
}
