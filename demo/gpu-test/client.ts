/** Runs the test of the visitor's GPU in a worker of its own, which ends with it. */
import { version } from "../../package.json";
import {
  afterEvent,
  type Begin,
  type Extent,
  type GpuTestReport,
  type TestEvent,
  type TestGpu,
} from "./report.js";

export function newReport(extent: Extent): GpuTestReport {
  const { userAgent, platform, hardwareConcurrency } = navigator;
  return {
    format: "webgpu-reformer GPU test 1",
    version,
    time: new Date().toISOString(),
    extent,
    state: "running",
    seconds: 0,
    browser: { userAgent, platform, processors: hardwareConcurrency },
    adapter: null,
    planned: { kernels: 0, cases: 0, speed: 0 },
    current: null,
    checks: [],
    speeds: [],
  };
}

export const testGpu: TestGpu = (extent, { signal, onReport }) => {
  const worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module", name: "gpu-test" });
  const start = performance.now();
  let report = newReport(extent);
  return new Promise((resolve) => {
    const take = (next: GpuTestReport) => {
      if (report.state !== "running") return;
      report = { ...next, seconds: (performance.now() - start) / 1000 };
      onReport(report);
      if (report.state === "running") return;
      worker.terminate();
      resolve(report);
    };
    const fail = (message: string) => take(afterEvent(report, { type: "failed", message }));
    worker.onmessage = ({ data }: MessageEvent<TestEvent>) => take(afterEvent(report, data));
    worker.onerror = ({ message }) => fail(message || "The worker did not start.");
    const cancel = () => take({ ...report, state: "cancelled", current: null });
    if (signal.aborted) cancel();
    else signal.addEventListener("abort", cancel, { once: true });
    worker.postMessage({ extent } satisfies Begin);
  });
};
