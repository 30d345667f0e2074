// The worker's script inside a module, for pages whose bundler or server loses the worker file.
import InlineWorker from "./worker.js?worker&inline";

/** A worker from a blob: needs no file, but a content security policy must allow `worker-src blob:`. */
export function createWorker(): Worker {
  return new InlineWorker({ name: "webgpu-reformer" });
}
