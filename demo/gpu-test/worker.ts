/**
 * The project's own tests on the visitor's GPU: kernels against plain references, recorded cases, speed. The only file
 * of the page that imports from test/; it is loaded when a test begins.
 */
import { runCases } from "../../test/conformance/conformance.js";
import { MEASUREMENTS } from "../../test/self-test/benchmark.js";
import { CHECKS, requestDevice, runChecks, runOn } from "../../test/self-test/self-test.js";
import { isSoftware } from "../adapter.js";
import type { AdapterReport, Begin, Extent, Part, TestEvent } from "./report.js";

/** What a software adapter compiles within a second or so, and attention. */
const QUICK = {
  kernels:
    /^(matmul|activation|stream|rotations|chunk-places|key-scale|chunk-attention|attention-delta|embedding.*|adamw|decode-append)$/,
  cases: /^ff_02/,
  speed: /^(matmul|attention)$/,
} as const satisfies Record<Part, RegExp>;

const FILES = import.meta.glob<string>("../../test/fixtures/*/**/*.{json,safetensors,bin}", {
  query: "?url&no-inline",
  import: "default",
  eager: true,
});
/** Folders of recorded cases, with their cases; a case may have a folder of its own below. */
const FOLDERS = [...new Set(Object.keys(FILES).map((path) => path.split("/").slice(0, 5).join("/")))]
  .map((top) => `${top}/`)
  .map((folder) => ({
    read: async (path: string) => {
      const url = FILES[folder + path];
      if (url === undefined) return undefined;
      const response = await fetch(url);
      if (!response.ok) throw new Error(`${path}: the server answered ${response.status}`);
      return response.arrayBuffer();
    },
    names: Object.keys(FILES)
      .filter((path) => path.startsWith(folder) && /^[^/]*\.safetensors$/.test(path.slice(folder.length)))
      .map((path) => path.slice(folder.length).replace(/\.safetensors$/, "")),
  }));

const tell = (event: TestEvent) => postMessage(event);

addEventListener("message", ({ data }: MessageEvent<Begin>) => {
  test(data.extent).then(
    () => tell({ type: "finished" }),
    (error: unknown) =>
      tell({ type: "failed", message: error instanceof Error ? error.message : String(error) }),
  );
});

async function describeAdapter(): Promise<AdapterReport> {
  const adapter = await navigator.gpu?.requestAdapter({ powerPreference: "high-performance" });
  if (!adapter) throw new Error("WebGPU offers no adapter in workers here.");
  const { vendor, architecture, device, description } = adapter.info;
  const limits: Record<string, number> = {};
  // Limits are properties of the prototype, which Object.keys does not list.
  for (const name in adapter.limits) {
    const value = adapter.limits[name as keyof GPUSupportedLimits];
    if (typeof value === "number") limits[name] = value;
  }
  return {
    ...{ vendor, architecture, device, description, limits },
    software: isSoftware(adapter.info),
    features: [...(adapter.features as ReadonlySet<string>)].sort(),
    languageFeatures: [...(navigator.gpu.wgslLanguageFeatures ?? [])].sort(),
  };
}

async function test(extent: Extent): Promise<void> {
  const adapter = await describeAdapter();
  const device = await requestDevice();
  device.lost.then(({ reason, message }) =>
    tell({ type: "failed", message: `The GPU device was lost (${reason}): ${message}` }),
  );
  const takes = (part: Part, name: string) => extent === "full" || QUICK[part].test(name);
  const checks = CHECKS.filter(({ family }) => takes("kernels", family));
  const folders = FOLDERS.map(({ read, names }) => ({
    read,
    names: names.filter((name) => takes("cases", name)),
  }));
  const measurements = MEASUREMENTS.filter(({ name }) => takes("speed", name));
  tell({
    type: "opened",
    adapter,
    planned: {
      kernels: checks.length,
      cases: folders.reduce((sum, { names }) => sum + names.length, 0),
      speed: measurements.length,
    },
  });

  const run = runOn(device);
  for (const check of checks) {
    tell({ type: "began", part: "kernels", name: check.family });
    for await (const { family, ...result } of runChecks(run, [check])) {
      tell({ type: "checked", check: { part: "kernels", name: family, ...result } });
    }
  }
  for (const { read, names } of folders) {
    for (const name of names) {
      tell({ type: "began", part: "cases", name });
      for await (const { kind, passed, error: message, f32, int32 } of runCases(device, read, {
        names: [name],
      })) {
        const worst = [f32, int32].reduce((a, b) => ((b?.share ?? 0) > (a?.share ?? 0) ? b : a), f32);
        const { tensor = "none", error = Infinity, bound = 0 } = worst ?? {};
        tell({
          type: "checked",
          check: { part: "cases", name, what: kind, passed, tensor, error, bound, message },
        });
      }
    }
  }
  for (const { name, measure } of measurements) {
    tell({ type: "began", part: "speed", name });
    tell({ type: "measured", speed: await measure(device, adapter.software ? "software" : "gpu") });
  }
}
