/** Loaded before every Node test file (vite.config.ts): the code under test finds `navigator.gpu` in both hosts. */
import { installGpu, pollSlowly } from "../../src/cli/node-gpu.mjs";

installGpu({ software: true });
pollSlowly();
