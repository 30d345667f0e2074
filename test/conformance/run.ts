// `npm run conformance -- DIR [--on chrome|firefox|node] [--kinds a,b] [--json FILE]`: runs the recorded cases of a folder
// and prints a line for each, then a summary by kind. The status is 0 only if every selected case passed.
import { writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { requestDevice } from "../../src/gpu/gpu.js";
import { adapterName, type CaseResult, type Column, LOOSENESS, runCases } from "./conformance.js";
import { filesOf } from "./files.js";
import { openCases } from "./folder.js";
import { KINDS } from "./kinds.js";
import { summarise, summaryLines } from "./summary.js";

const HOSTS = ["node", "chrome", "firefox"];
const USAGE = "usage: npm run conformance -- DIR [--on chrome|firefox|node] [--kinds a,b] [--json FILE]";
const TARGETS =
  "Targets are the values recorded in f64, else those in f32 less the recorded run's rounding of log-sum-exp to f32.";
/** Statuses: some case did not pass; the call was wrong. */
const NOT_PASSED = 1;
const WRONG_CALL = 2;

interface Call {
  readonly folder: string;
  readonly on: string;
  readonly kinds: readonly string[] | undefined;
  readonly json: string | undefined;
}

/** @throws {Error} saying what is wrong with the arguments or the folder */
async function readCall(args: readonly string[]): Promise<Call> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      on: { type: "string", default: "node" },
      kinds: { type: "string" },
      json: { type: "string" },
    },
  });
  const [folder] = positionals;
  if (!folder || positionals.length > 1) {
    throw new Error(`${positionals.length} folders given, but one is needed: the folder of recorded cases`);
  }
  const { on, json } = values;
  if (!HOSTS.includes(on)) throw new Error(`--on is "${on}", but must be ${HOSTS.join(" or ")}`);
  const kinds = values.kinds?.split(",");
  const unknown = kinds?.filter((kind) => !Object.hasOwn(KINDS, kind)) ?? [];
  if (unknown.length > 0) {
    throw new Error(`--kinds names ${unknown.join(", ")}, but known are ${Object.keys(KINDS).join(", ")}`);
  }
  const { cases } = await openCases(filesOf(folder)).catch((error: Error) => {
    throw new Error(`${folder}: ${error.message}`);
  });
  const missing = kinds?.filter((kind) => !cases.some((one) => one.kind === kind)) ?? [];
  if (missing.length > 0) throw new Error(`${folder} has no case of kind ${missing.join(", ")}`);
  if (cases.length === 0) throw new Error(`${folder} lists no cases`);
  return { folder, on, kinds, json };
}

export async function main(args: readonly string[], { signal }: { signal: AbortSignal }): Promise<number> {
  let call: Call;
  try {
    call = await readCall(args);
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n${USAGE}`);
    return WRONG_CALL;
  }
  const results: CaseResult[] = [];
  const { adapter, cases } = await start(call, signal);
  const where = `on ${call.on}, adapter ${adapter}`;
  console.log(`${where}. ${TARGETS}`);
  for await (const result of cases) {
    const looseness = LOOSENESS[result.kind];
    if (looseness !== undefined && !results.some(({ kind }) => kind === result.kind)) {
      console.log(`${result.kind}: bounds are ${looseness} times the recorded tolerances`);
    }
    results.push(result);
    console.log(line(result));
  }
  const summary = summarise(results);
  for (const text of summaryLines(summary, where)) console.log(text);
  if (call.json !== undefined) {
    const { folder, on } = call;
    const report = { folder, on, adapter, looseness: LOOSENESS, ...summary, cases: results };
    // JSON has no infinity: a value that is not there at all is infinitely wrong.
    const text = JSON.stringify(report, (_, value) => (value === Infinity ? "Infinity" : value), 2);
    await writeFile(call.json, `${text}\n`);
  }
  return summary.passed === results.length ? 0 : NOT_PASSED;
}

async function start(
  { folder, on, kinds }: Call,
  signal: AbortSignal,
): Promise<{ adapter: string; cases: AsyncGenerator<CaseResult> }> {
  if (on === "chrome" || on === "firefox") {
    return (await import("./browser.js")).startInBrowser(on, folder, { kinds, signal });
  }
  const device = await requestDevice();
  return { adapter: adapterName(device), cases: runCases(device, filesOf(folder), { kinds, signal }) };
}

function line({ name, kind, passed, covered, error, note, f32, int32 }: CaseResult): string {
  if (!covered) return `----  ${name.padEnd(34)} not covered: kind ${kind}`;
  const columns = error ?? `f32 ${text(f32)}  int32 ${int32 ? text(int32) : "no stream"}`;
  return `${passed ? "pass" : "FAIL"}  ${name.padEnd(34)} ${columns}${note ? `  (${note})` : ""}`;
}

/** Worst error and its bound, both relative to the tensor's largest value, the tensor, and changed bucket ids. */
function text(column: Column | undefined): string {
  if (!column) return "";
  const { error, bound, tensor, hashed, flipped } = column;
  const flips = hashed > 0 ? `, flips ${flipped} of ${hashed}` : "";
  return `${error.toExponential(1)} of ${bound.toExponential(1)} (${tensor}${flips})`;
}
