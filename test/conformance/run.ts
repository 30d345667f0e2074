// `npm run conformance -- DIR [--on chrome|node] [--kinds a,b]`: runs the recorded cases of a folder and prints a line
// for each. The status is 0 only if every selected case passed.
import { parseArgs } from "node:util";
import { requestDevice } from "../../src/gpu/gpu.js";
import { type CaseResult, type Column, LOOSENESS, runCases } from "./conformance.js";
import { filesOf } from "./files.js";

const USAGE = "usage: npm run conformance -- DIR [--on chrome|node] [--kinds a,b]";

export async function main(args: readonly string[], { signal }: { signal: AbortSignal }): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { on: { type: "string", default: "node" }, kinds: { type: "string" } },
  });
  const [folder] = positionals;
  const { on } = values;
  if (!folder || positionals.length > 1 || (on !== "node" && on !== "chrome")) {
    console.error(USAGE);
    return 2;
  }
  const options = { kinds: values.kinds?.split(","), signal };
  const results =
    on === "chrome"
      ? (await import("./chrome.js")).runInChrome(folder, options)
      : runCases(await requestDevice(), filesOf(folder), options);
  const counts = { passed: 0, failed: 0, skipped: 0 };
  const seen = new Set<string>();
  for await (const result of results) {
    if (!seen.has(result.kind) && LOOSENESS[result.kind]) {
      console.log(`${result.kind}: bounds are ${LOOSENESS[result.kind]} times the recorded tolerances`);
    }
    seen.add(result.kind);
    counts[result.passed ? "passed" : "failed"]++;
    console.log(line(result));
  }
  console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
  const missing = options.kinds?.filter((kind) => !seen.has(kind)) ?? [];
  if (missing.length > 0) console.error(`no case of kind ${missing.join(", ")} in ${folder}`);
  return counts.failed + counts.skipped === 0 && seen.size > 0 && missing.length === 0 ? 0 : 1;
}

function line({ name, passed, error, f32, int32 }: CaseResult): string {
  const columns = error ?? `f32 ${text(f32)}  int32 ${int32 ? text(int32) : "no stream"}`;
  return `${passed ? "pass" : "FAIL"}  ${name.padEnd(34)} ${columns}`;
}

/** Worst error and its bound, both relative to the tensor's largest value, the tensor, and changed bucket ids. */
function text(column: Column | undefined): string {
  if (!column) return "";
  const { error, bound, tensor, hashed, flipped } = column;
  const flips = hashed > 0 ? `, flips ${flipped} of ${hashed}` : "";
  return `${error.toExponential(1)} of ${bound.toExponential(1)} (${tensor}${flips})`;
}
