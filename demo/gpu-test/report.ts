/** What a test of the visitor's GPU found: shown on the page, and exported as it is. */

/** "quick": a part of the kernels and cases, for software adapters, which compile for minutes. */
export type Extent = "quick" | "full";
export const PARTS = ["kernels", "cases", "speed"] as const;
export type Part = (typeof PARTS)[number];

export interface AdapterReport {
  readonly vendor: string;
  readonly architecture: string;
  readonly device: string;
  readonly description: string;
  /** True for an adapter that runs on the CPU. */
  readonly software: boolean;
  readonly features: readonly string[];
  readonly languageFeatures: readonly string[];
  readonly limits: Readonly<Record<string, number>>;
}

/** A kernel checked against a reference in f64, or a recorded case repeated. */
export interface CheckReport {
  readonly part: "kernels" | "cases";
  readonly name: string;
  readonly what: string;
  readonly passed: boolean;
  /** The tensor that came nearest to its bound. */
  readonly tensor: string;
  /** Its error and the bound, relative to its largest value. */
  readonly error: number;
  readonly bound: number;
  /** Why it could not be judged. */
  readonly message?: string | undefined;
}

export interface SpeedReport {
  readonly name: "matmul" | "attention" | "training";
  readonly value: number;
  readonly unit: "GFLOP/s" | "tokens/s";
  readonly sizes: Readonly<Record<string, number>>;
  /** Milliseconds of each sample of so many runs; the value is that of the median. */
  readonly samples: readonly number[];
  readonly runs: number;
}

export interface GpuTestReport {
  readonly format: "webgpu-reformer GPU test 1";
  /** Of the library. */
  readonly version: string;
  /** ISO 8601. */
  readonly time: string;
  readonly extent: Extent;
  readonly state: "running" | "complete" | "cancelled" | "failed";
  /** Why it failed. */
  readonly message?: string;
  readonly seconds: number;
  readonly browser: { readonly userAgent: string; readonly platform: string; readonly processors: number };
  readonly adapter: AdapterReport | null;
  /** How many of each part there are in all. */
  readonly planned: Readonly<Record<Part, number>>;
  /** What runs now. */
  readonly current: { readonly part: Part; readonly name: string } | null;
  readonly checks: readonly CheckReport[];
  readonly speeds: readonly SpeedReport[];
}

/** From the page to the worker, which then begins. */
export interface Begin {
  readonly extent: Extent;
}

/** From the worker to the page, in the order of what happens. */
export type TestEvent =
  | {
      readonly type: "opened";
      readonly adapter: AdapterReport;
      readonly planned: Readonly<Record<Part, number>>;
    }
  | { readonly type: "began"; readonly part: Part; readonly name: string }
  | { readonly type: "checked"; readonly check: CheckReport }
  | { readonly type: "measured"; readonly speed: SpeedReport }
  | { readonly type: "finished" }
  | { readonly type: "failed"; readonly message: string };

export interface TestOptions {
  readonly signal: AbortSignal;
  /** Called with every change. */
  readonly onReport: (report: GpuTestReport) => void;
}

/** Runs a test; what it resolves with, however it ended, was the last report. */
export type TestGpu = (extent: Extent, options: TestOptions) => Promise<GpuTestReport>;

export function afterEvent(report: GpuTestReport, event: TestEvent): GpuTestReport {
  switch (event.type) {
    case "opened":
      return { ...report, adapter: event.adapter, planned: event.planned };
    case "began":
      return { ...report, current: { part: event.part, name: event.name } };
    case "checked":
      return { ...report, checks: [...report.checks, event.check] };
    case "measured":
      return { ...report, speeds: [...report.speeds, event.speed] };
    case "finished":
      return { ...report, state: "complete", current: null };
    case "failed":
      return { ...report, state: "failed", message: event.message, current: null };
    default:
      return event satisfies never;
  }
}

/** Of the things planned, how many are done. */
export function progressOf({ planned, checks, speeds }: GpuTestReport): { done: number; total: number } {
  return { done: checks.length + speeds.length, total: planned.kernels + planned.cases + planned.speed };
}

/** The report as a file; what is not finite is written as text. */
export function reportFile(report: GpuTestReport): { readonly blob: Blob; readonly name: string } {
  const plain = (_: string, value: unknown) =>
    typeof value === "number" && !Number.isFinite(value) ? String(value) : value;
  const text = `${JSON.stringify(report, plain, 2)}\n`;
  const adapter = [report.adapter?.vendor, report.adapter?.architecture].filter(Boolean).join("-") || "gpu";
  return {
    blob: new Blob([text], { type: "application/json" }),
    name: `reformer-gpu-test-${adapter.replace(/[^\w]+/g, "-")}-${report.time.slice(0, 10)}.json`,
  };
}
