// Whether models can run here, before anything is made.
import { ReformerError } from "./errors.js";

export interface Support {
  readonly supported: boolean;
  /** For people: why not, and what to do. */
  readonly reason?: string;
  /** For programs. */
  readonly code?: "insecure-context" | "no-webgpu" | "no-adapter";
}

/** Whether this page gets a WebGPU device. It asks for one and gives it back. */
export async function isSupported(): Promise<Support> {
  const { requestDevice } = await import("./gpu/gpu.js");
  try {
    (await requestDevice()).destroy();
    return { supported: true };
  } catch (error) {
    const code = error instanceof ReformerError ? error.details.reason : undefined;
    return {
      supported: false,
      reason: error instanceof Error ? error.message : String(error),
      code: (code ?? "no-adapter") as NonNullable<Support["code"]>,
    };
  }
}
