// What `import … from "webgpu-reformer"` gives.
export { clearDownloads } from "./downloads.js";
export * from "./errors.js";
export type { ModelFolder, StagedFile } from "./io/model-folder.js";
export type { ModelSource } from "./io/model-source.js";
export type { WorkerKind } from "./open-model.js";
export { type PipelineTask, pipeline } from "./pipeline.js";
export {
  type BufferLimits,
  isSupported,
  longestLength,
  planMemory,
  profileStep,
  type Support,
} from "./preflight.js";
export { Reformer, type SaveFile } from "./reformer.js";
export { attentionOf, candidatesOf, exactAttentionOf } from "./tasks/attention-weights.js";
export type * from "./types.js";
