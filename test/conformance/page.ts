// The page that chrome.ts opens: runs cases on the browser's device, reading their files from the server.
import { requestDevice } from "../../src/gpu/gpu.js";
import { adapterName, type CaseResult, runCases } from "./conformance.js";
import type { ReadFile } from "./folder.js";

declare global {
  interface Window {
    /** Given by the test driver: takes every result as it comes. */
    reportCase: (result: CaseResult) => Promise<void>;
    describeAdapter: () => Promise<string>;
    runConformance: (files: string, kinds: readonly string[] | undefined) => Promise<void>;
  }
}

const device = requestDevice();

window.describeAdapter = async () => adapterName(await device);

window.runConformance = async (files, kinds) => {
  const read: ReadFile = async (path) => {
    const response = await fetch(files + path);
    if (response.status === 404) return undefined;
    if (!response.ok) throw new Error(`${path}: the server answered ${response.status}`);
    return response.arrayBuffer();
  };
  for await (const result of runCases(await device, read, { kinds })) await window.reportCase(result);
};
