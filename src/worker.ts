// The worker's script: `import "webgpu-reformer/worker"` in a worker makes it one for this library. Elsewhere it does nothing.
import { Engine } from "./engine/engine.js";
import { exposeHost } from "./worker/host.js";

if ("WorkerGlobalScope" in globalThis) exposeHost(Engine);
