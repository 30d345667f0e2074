/** Plans of memory, made in a worker that starts with the first question. */
import type { Remote } from "comlink";
import type { Planner } from "./plan-worker.js";
import type { Runtime } from "./runtime.js";

let planner: Promise<Remote<Planner>> | undefined;

async function open(): Promise<Remote<Planner>> {
  const { wrap } = await import("comlink");
  const worker = new Worker(new URL("./plan-worker.ts", import.meta.url), { type: "module", name: "plan" });
  return wrap<Planner>(worker);
}

export const planMemory: Runtime["planMemory"] = async (...asked) => {
  planner ??= open();
  return (await planner).planMemory(...asked);
};

export const longestLength: Runtime["longestLength"] = async (...asked) => {
  planner ??= open();
  return (await planner).longestLength(...asked);
};
