// What `import … from "webgpu-reformer"` gives.
export * from "./errors.js";
export { isSupported, type Support } from "./is-supported.js";
export type { WorkerKind } from "./open-model.js";
export { Reformer, type SaveFile } from "./reformer.js";
export type * from "./types.js";
export type { EvaluateOptions, Evaluation } from "./worker/protocol.js";
