// `node src/cli/run.mjs self-test`: runs every check on this machine's adapter and prints a line for each.
import { requestDevice, runChecks, runOn } from "./self-test.js";

export async function main(): Promise<number> {
  const counts = { passed: 0, failed: 0 };
  for await (const result of runChecks(runOn(await requestDevice()))) {
    const { family, what, passed, tensor, error, bound, message } = result;
    counts[passed ? "passed" : "failed"]++;
    const numbers = `${error.toExponential(1)} of ${bound.toExponential(1)} (${tensor})`;
    console.log(`${passed ? "pass" : "FAIL"}  ${`${family}: ${what}`.padEnd(56)} ${message ?? numbers}`);
  }
  console.log(`${counts.passed} passed, ${counts.failed} failed`);
  return counts.failed === 0 ? 0 : 1;
}
