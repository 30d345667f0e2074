// What a run of recorded cases shows, by kind.
import type { CaseResult } from "./conformance.js";

export interface KindSummary {
  readonly cases: number;
  readonly passed: number;
  readonly failed: number;
  /** Largest error over its bound; undefined where no case got as far as a value. */
  readonly worst: number | undefined;
  /** The case and column it is from. */
  readonly worstCase: string;
}

export interface Summary {
  readonly passed: number;
  readonly failed: number;
  readonly notCovered: number;
  readonly kinds: Readonly<Record<string, KindSummary>>;
  /** Names of the cases that are not covered, by kind. */
  readonly uncovered: Readonly<Record<string, readonly string[]>>;
}

export function summarise(results: readonly CaseResult[]): Summary {
  const kinds: Record<string, KindSummary> = {};
  const uncovered: Record<string, string[]> = {};
  for (const kind of new Set(results.map((one) => one.kind))) {
    const all = results.filter((one) => one.kind === kind);
    const cases = all.filter(({ covered }) => covered);
    const names = all.flatMap(({ name, covered }) => (covered ? [] : [name]));
    if (names.length > 0) uncovered[kind] = names;
    if (cases.length > 0) kinds[kind] = kindSummary(cases);
  }
  const covered = results.filter((one) => one.covered);
  const passed = covered.filter((one) => one.passed).length;
  return {
    passed,
    failed: covered.length - passed,
    notCovered: results.length - covered.length,
    kinds,
    uncovered,
  };
}

function kindSummary(cases: readonly CaseResult[]): KindSummary {
  let worst: number | undefined;
  let worstCase = "";
  for (const { name, f32, int32 } of cases) {
    for (const [column, found] of Object.entries({ f32, int32 })) {
      if (!found || found.share <= (worst ?? -1)) continue;
      worst = found.share;
      worstCase = `${name}, ${column}`;
    }
  }
  const passed = cases.filter((one) => one.passed).length;
  return { cases: cases.length, passed, failed: cases.length - passed, worst, worstCase };
}

/** A table by kind, what is not covered, and the totals. */
export function summaryLines({ kinds, uncovered, ...totals }: Summary, where: string): string[] {
  const rows = Object.entries(kinds).map(([kind, { cases, passed, failed, worst, worstCase }]) => {
    const counts = [cases, passed, failed].map((n) => String(n).padStart(7)).join("");
    const share = worst === undefined ? "no value" : `${worst.toFixed(3)} (${worstCase})`;
    return `${kind.padEnd(18)}${counts}  ${share}`;
  });
  const names = Object.entries(uncovered).map(([kind, cases]) => `not covered: ${kind}: ${cases.join(", ")}`);
  return [
    `\n${where}`,
    `${"kind".padEnd(18)}  cases passed failed  worst error over bound`,
    ...rows,
    ...names,
    `${totals.passed} passed, ${totals.failed} failed, ${totals.notCovered} skipped`,
  ];
}
