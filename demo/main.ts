import { book } from "virtual:book";
import { wrap } from "comlink";
import { type planMemory, Reformer } from "../src/index.js";
import { testGpu } from "./gpu-test/client.js";
import { startPage } from "./start.js";

const planner = new Worker(new URL("./plan-worker.ts", import.meta.url), { type: "module", name: "planner" });

startPage(
  {
    create: (config, options) => Reformer.create(config, options),
    load: (files, options) => Reformer.load(files, options),
    planMemory: wrap<typeof planMemory>(planner),
    testGpu,
  },
  book,
);
