// What the probabilities of one of two labels are worth.
import { accuracy, areaUnderRoc, calibrationError, macroF1 } from "../../tasks/metrics.js";

/** One text: its truth, what was predicted, and how long it is. */
export interface Prediction {
  readonly positive: boolean;
  /** P(positive) */
  readonly probability: number;
  /** Of the whole text. */
  readonly tokens: number;
  /** From the call to its answer; of a baseline left out. */
  readonly milliseconds?: number | undefined;
}

export interface LabelReport {
  readonly accuracy: number;
  readonly macroF1: number;
  readonly areaUnderRoc: number;
  readonly calibrationError: number;
  /** Texts by length, the shortest quarter first. */
  readonly quartiles: readonly { readonly longest: number; readonly accuracy: number }[];
  readonly latency?: { readonly p50: number; readonly p95: number };
}

/** The smallest of the values that at least this share of them does not exceed. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

/** @throws {ShapeError} where one of the labels is missing */
export function labelReport(predictions: readonly Prediction[]): LabelReport {
  const positive = predictions.map((one) => one.positive);
  const truth = positive.map(Number);
  const probabilities = predictions.map(({ probability }) => probability);
  const predicted = probabilities.map((p) => Number(p >= 0.5));
  const sure = probabilities.map((p) => Math.max(p, 1 - p));
  const right = predicted.map((label, i) => label === truth[i]);
  const byLength = predictions.map(({ tokens }, i) => ({ tokens, right: right[i] === true }));
  byLength.sort((a, b) => a.tokens - b.tokens);
  const quartiles = [0, 1, 2, 3].map((quarter) => {
    const at = (q: number) => Math.round((q * byLength.length) / 4);
    const part = byLength.slice(at(quarter), at(quarter + 1));
    return {
      longest: part.at(-1)?.tokens ?? 0,
      accuracy: part.filter((one) => one.right).length / part.length,
    };
  });
  const times = predictions.flatMap(({ milliseconds }) => milliseconds ?? []);
  return {
    accuracy: accuracy(predicted, truth),
    macroF1: macroF1(predicted, truth),
    areaUnderRoc: areaUnderRoc(probabilities, positive),
    calibrationError: calibrationError(sure, right),
    quartiles,
    ...(times.length > 0 && { latency: { p50: percentile(times, 0.5), p95: percentile(times, 0.95) } }),
  };
}

/** One line for a terminal. */
export function reportLine(name: string, report: LabelReport): string {
  const percent = (share: number) => `${(share * 100).toFixed(1)} %`;
  const latency = report.latency
    ? `, ${report.latency.p50.toFixed(0)} ms (p95 ${report.latency.p95.toFixed(0)})`
    : "";
  const quartiles = report.quartiles.map(({ longest, accuracy: share }) => `≤${longest}: ${percent(share)}`);
  return `${name}: accuracy ${percent(report.accuracy)}, macro F1 ${report.macroF1.toFixed(3)}, AUC ${report.areaUnderRoc.toFixed(4)}, calibration error ${report.calibrationError.toFixed(3)}${latency}; by tokens ${quartiles.join(", ")}`;
}
