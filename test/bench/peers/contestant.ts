// The page that run.ts opens in Chrome, once for every contestant and work.

import { adapterName } from "../../conformance/conformance.js";
import { checkDevices, openedDevice, peakBytes } from "./meter.js";
import type { Contestant, Ready, Work } from "./work.js";

/** By library and what it competes with. */
const CONTESTANTS: Readonly<Record<string, () => Promise<Contestant>>> = {
  "ours, LSH": async () => (await import("./ours.js")).lsh,
  "ours, full": async () => (await import("./ours.js")).full,
  ours: async () => (await import("./ours.js")).ours,
  "TF.js": async () => (await import("./tensorflow.js")).tensorflow,
  "jax-js": async () => (await import("./jax.js")).jax,
  "jax-js, recomputing": async () => (await import("./jax-training.js")).recomputing,
  "ONNX Runtime": async () => (await import("./onnx.js")).onnx,
};

declare global {
  interface Window {
    /** Makes a contestant ready, runs it once and checks the result. */
    prepare: (contestant: string, work: Work) => Promise<{ adapter: string; error: number | undefined }>;
    /** Milliseconds of one of `runs` runs in a row. */
    sample: (runs: number) => Promise<number>;
    peakBytes: () => number;
  }
}

let ready: Ready | undefined;

window.prepare = async (contestant, work) => {
  const make = await CONTESTANTS[contestant]?.();
  if (!make) throw new Error(`${contestant}: contestants are ${Object.keys(CONTESTANTS).join(", ")}`);
  ready = await make(work);
  await ready.run();
  checkDevices();
  const error = await ready.error();
  checkDevices();
  return { adapter: adapterName(openedDevice()), error };
};

window.sample = async (runs) => {
  const start = performance.now();
  for (let i = 0; i < runs; i++) await ready?.run();
  const milliseconds = (performance.now() - start) / runs;
  checkDevices();
  return milliseconds;
};

window.peakBytes = peakBytes;
