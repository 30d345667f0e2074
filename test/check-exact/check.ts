// What a check reports, and what checks share: one small model, so that one device compiles its kernels once, and the
// numbers of a training run seen from outside the engine.
import { createHash } from "node:crypto";
import { Engine } from "../../src/engine/engine.js";
import { planMemory } from "../../src/plan-memory.js";
import type {
  MemoryUse,
  ReformerOptions,
  TokenizerOptions,
  TrainOptions,
  TrainStep,
} from "../../src/types.js";
import { countGpuBytes, type GpuBytes } from "../api/gpu-bytes.js";

/** Both blocks, dropout everywhere, and weights large enough that every block changes every row of its stream. */
export const MODEL: ReformerOptions = {
  hiddenSize: 64,
  numHeads: 2,
  headSize: 32,
  feedForwardSize: 128,
  maxLength: 512,
  initializerRange: 0.1,
  hiddenDropout: 0.1,
  lshDropout: 0.1,
  localDropout: 0.1,
};
/** Not a multiple of the chunk length: padding and its mask are part of every check. */
export const SHAPE = { batchSize: 2, length: 200 } as const;

/** local, lsh, local, … */
export function alternating(depth: number): NonNullable<ReformerOptions["layers"]> {
  return Array.from({ length: depth }, (_, i) => (i % 2 ? "lsh" : "local"));
}

/** One line of the table, and lines under it. */
export interface Check {
  readonly name: string;
  readonly passed: boolean;
  readonly measured: string;
  readonly details?: readonly string[];
}

export function sha256(...parts: readonly ArrayBufferView[]): string {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(new Uint8Array(part.buffer, part.byteOffset, part.byteLength));
  return hash.digest("hex");
}

export const count = (value: number): string => value.toLocaleString("en-US");

/** A training run measured from outside: planned bytes, and those of the buffers that were made. */
export interface MeasuredRun {
  readonly planned: MemoryUse;
  readonly peak: ReturnType<GpuBytes["peak"]>;
  readonly left: number;
}

/**
 * Trains a new model and counts its GPU buffers.
 * @param duringRun called after every step, while all memory is held
 */
export async function measureRun(
  device: GPUDevice,
  config: ReformerOptions,
  text: string,
  options: TrainOptions & { readonly length: number; readonly tokenizer?: TokenizerOptions },
  duringRun: (step: TrainStep) => void = () => {},
): Promise<MeasuredRun> {
  const bytes = countGpuBytes();
  try {
    const engine = await Engine.create(config, { seed: 0, device, text, tokenizer: options.tokenizer });
    const { adapter } = await engine.describe();
    try {
      for await (const step of engine.train(text, options)) duringRun(step);
    } finally {
      await engine.dispose();
    }
    const planned = planMemory(engine.config, options, adapter as unknown as GPUSupportedLimits);
    return { planned, peak: bytes.peak(), left: bytes.live() };
  } finally {
    bytes[Symbol.dispose]();
  }
}

/** Not a byte more or less than planned, and none left. */
export function fits({ planned, peak, left }: MeasuredRun): boolean {
  return planned.total === peak.total && left === 0;
}
