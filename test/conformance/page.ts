// The page that browser.ts opens: runs cases on the browser's device, reading their files from the server.
import { requestDevice } from "../../src/gpu/gpu.js";
import { adapterName, runCases } from "./conformance.js";
import type { ReadFile } from "./folder.js";
import { type Report, type Wanted, writeReport } from "./report.js";

async function report(message: Report): Promise<void> {
  await fetch("/case-report", { method: "POST", body: writeReport(message) });
}

const read: ReadFile = async (path) => {
  const response = await fetch(`/case-files/${path}`);
  if (response.status === 404) return undefined;
  if (!response.ok) throw new Error(`${path}: the server answered ${response.status}`);
  return response.arrayBuffer();
};

async function run(): Promise<void> {
  const device = await requestDevice();
  await report({ what: "adapter", adapter: adapterName(device) });
  const { kinds }: Wanted = await (await fetch("/case-wanted")).json();
  for await (const result of runCases(device, read, { kinds })) await report({ what: "result", result });
  await report({ what: "end" });
}

run().catch((error: unknown) =>
  report({ what: "error", message: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
);
