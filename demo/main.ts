import { book } from "virtual:book";
import type { Remote } from "comlink";
import { LabClient } from "./lab/client.js";
import type { Planner } from "./plan-worker.js";
import type { Runtime } from "./runtime.js";
import { startPage } from "./start.js";

/** Milliseconds after which the first screen has been painted, and the studio asked for. */
const LIBRARY_AFTER = 800;

/** The library is fetched after the first paint. */
const library = () => import("../src/index.js");

let planner: Promise<Remote<Planner>> | undefined;
async function openPlanner(): Promise<Remote<Planner>> {
  const { wrap } = await import("comlink");
  const worker = new Worker(new URL("./plan-worker.ts", import.meta.url), {
    type: "module",
    name: "planner",
  });
  return wrap<Planner>(worker);
}

const runtime: Runtime = {
  create: async (config, options) => (await library()).Reformer.create(config, options),
  load: async (from, options) => (await library()).Reformer.load(from, options),
  planMemory: async (...asked) => {
    planner ??= openPlanner();
    return (await planner).planMemory(...asked);
  },
  longestLength: async (...asked) => {
    planner ??= openPlanner();
    return (await planner).longestLength(...asked);
  },
  testGpu: async (...asked) => (await import("./gpu-test/client.js")).testGpu(...asked),
  lab: new LabClient(),
};

startPage(runtime, book);
// Fetched before someone presses a button, so that the press does not wait for it.
setTimeout(() => void library(), LIBRARY_AFTER);
