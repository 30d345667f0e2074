// The library's worker, which also tells how many bytes of GPU buffers are alive in it.
import "../../src/worker.js";
import { countGpuBytes } from "./gpu-bytes.js";

const bytes = countGpuBytes();
addEventListener("message", ({ data }) => {
  if (data === "live bytes?") postMessage(bytes.live());
});
