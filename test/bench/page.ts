// The page that run.ts opens in Chrome.
import { adapterName, requestDevice } from "../../src/gpu/gpu.js";
import { runBenchmark } from "./benchmarks.js";
import type { Table } from "./report.js";

declare global {
  interface Window {
    /** Given by the driver. */
    takeTable: (table: Table) => Promise<void>;
    takeLine: (line: string) => Promise<void>;
    benchAdapter: () => Promise<string>;
    runBenchmark: (name: string) => Promise<void>;
  }
}

const device = requestDevice();

window.benchAdapter = async () => adapterName(await device);
window.runBenchmark = async (name) =>
  runBenchmark(name, await device, { table: window.takeTable, log: window.takeLine });
