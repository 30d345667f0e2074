// Prints `N passed, N failed` from vitest's JSON report and exits with the status of the run: totals.mjs REPORT STATUS.
// A file that could not be loaded, and a run that failed outside its tests (lint, types, a crash), count as one failure.

import { readFileSync } from "node:fs";

const [path = "", status = "1"] = process.argv.slice(2);
const text = readFileSync(path, "utf8");
const report = text ? JSON.parse(text) : { numPassedTests: 0, numFailedTests: 0, testResults: [] };

const unloaded = report.testResults.filter(
  (/** @type {{ status: string, assertionResults: unknown[] }} */ file) =>
    file.status === "failed" && file.assertionResults.length === 0,
).length;
const skipped = report.numPendingTests ?? 0;
if (!text) console.log("The tests did not run: lint, the type check or the browser search failed above.");
if (skipped > 0) console.log(`${skipped} skipped`);

let failed = report.numFailedTests + unloaded;
if (text && failed === 0 && status !== "0") {
  console.log("All tests passed, but the run failed outside of them: see above.");
}
failed ||= Number(status !== "0");
console.log(`${report.numPassedTests} passed, ${failed} failed`);
process.exitCode = Number(status) || Number(failed > 0);
