// What a benchmark reports, and how a table of it is printed.
import type { ModelFiles } from "../../src/types.js";
import type { Scale } from "../self-test/benchmark.js";

export type Row = Readonly<Record<string, string | number>>;

export interface Table {
  readonly title: string;
  readonly rows: readonly Row[];
  /** What to know when reading it. */
  readonly notes?: readonly string[];
}

/** What a benchmark runs with; no Node, so that a page can run it too. */
export interface Bench {
  readonly device: GPUDevice;
  readonly scale: Scale;
  /** A trained model to measure instead of one that the benchmark trains. */
  readonly model?: ModelFiles | undefined;
  /** Says what is being measured. */
  readonly log: (line: string) => void;
}

export type RunBench = (bench: Bench) => AsyncGenerator<Table>;

/** Three significant digits, no exponents, thousands apart. */
export function cell(value: string | number): string {
  if (typeof value === "string") return value;
  if (Number.isInteger(value) || Math.abs(value) >= 1000) return Math.round(value).toLocaleString("en-US");
  return value.toPrecision(3);
}

/** A Markdown table whose columns also line up in a terminal. */
export function tableLines({ title, rows, notes = [] }: Table): string[] {
  const names = Object.keys(rows[0] ?? {});
  const lines = [names, ...rows.map((row) => names.map((name) => cell(row[name] ?? "")))];
  const widths = names.map((_, i) => Math.max(3, ...lines.map((line) => (line[i] as string).length)));
  const numeric = names.map((name) => rows.every((row) => typeof row[name] === "number"));
  const print = (line: readonly string[]) =>
    `| ${line.map((text, i) => (numeric[i] ? text.padStart(widths[i] as number) : text.padEnd(widths[i] as number))).join(" | ")} |`;
  const rule = `|${widths.map((width, i) => (numeric[i] ? `${"-".repeat(width + 1)}:` : "-".repeat(width + 2))).join("|")}|`;
  const [head = [], ...body] = lines;
  return ["", `**${title}**`, "", print(head), rule, ...body.map(print), "", ...notes];
}

export const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] as number;

/** Smallest and largest, as shares of the median: how far to trust it. */
export function range(values: readonly number[], digits = 2): string {
  const middle = median(values);
  return `${(Math.min(...values) / middle).toFixed(digits)}-${(Math.max(...values) / middle).toFixed(digits)}`;
}

/**
 * Milliseconds of each competitor, measured in turns (A B A B …) so that a machine that slows down slows all of them.
 * Each is run once before, unmeasured: where that shows that `samples` turns would take longer than `budget` milliseconds,
 * there are fewer, but one.
 */
export async function inTurns(
  competitors: readonly (() => Promise<unknown>)[],
  samples: number,
  budget = Number.POSITIVE_INFINITY,
): Promise<number[][]> {
  const times = competitors.map((): number[] => []);
  const begun = performance.now();
  for (const run of competitors) await run();
  const turns = Math.max(1, Math.min(samples, Math.floor(budget / (performance.now() - begun))));
  for (let i = 0; i < turns; i++) {
    for (const [j, run] of competitors.entries()) {
      const start = performance.now();
      await run();
      times[j]?.push(performance.now() - start);
    }
  }
  return times;
}
