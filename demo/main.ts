import { book } from "virtual:book";
import { LabClient } from "./lab/client.js";
import { longestLength, planMemory } from "./planner.js";
import type { Runtime } from "./runtime.js";
import { startPage } from "./start.js";

/** Milliseconds after which the first screen has been painted, and the studio asked for. */
const LIBRARY_AFTER = 800;

/** The library is fetched after the first paint. */
const library = () => import("../src/index.js");

const runtime: Runtime = {
  create: async (config, options) => (await library()).Reformer.create(config, options),
  load: async (from, options) => (await library()).Reformer.load(from, options),
  planMemory,
  longestLength,
  testGpu: async (...asked) => (await import("./gpu-test/client.js")).testGpu(...asked),
  lab: new LabClient(),
};

startPage(runtime, book);
// Fetched before someone presses a button, so that the press does not wait for it.
setTimeout(() => void library(), LIBRARY_AFTER);
