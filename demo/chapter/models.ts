/** The small models that stations compare: one shape, with and without each of the Reformer's ideas. */
import type { BufferLimits } from "../adapter.js";
import type { ReformerOptions } from "../runtime.js";
import type { Chapter } from "./chapter.js";

/** Limits of a roomy adapter: what is planned for any device is planned for this one. */
export const ROOMY = { maxBufferSize: 2 ** 34, maxStorageBufferBindingSize: 2 ** 32 } as const;

/** Those of the reader's adapter, which decide where a tensor is cut; roomy ones where there is none. */
export function limitsOf({ adapter }: Pick<Chapter, "adapter">): BufferLimits {
  if (typeof adapter !== "object" || !adapter) return ROOMY;
  const { maxBufferSize, maxStorageBufferBindingSize } = adapter;
  return { maxBufferSize, maxStorageBufferBindingSize };
}

type LayerKind = "local" | "lsh" | "full";

export interface Shape {
  readonly length: number;
  readonly depth: number;
  readonly hiddenSize: number;
}

/** A byte-level language model with layers of one kind, or of several in turn. */
export function modelOf(
  { length, depth, hiddenSize }: Shape,
  ...kinds: readonly LayerKind[]
): ReformerOptions {
  const headSize = hiddenSize >= 256 ? 64 : 32;
  const chunk = length >= 1024 ? 64 : 32;
  return {
    ...{ vocabSize: 256, hiddenSize, headSize, numHeads: Math.max(1, hiddenSize / headSize) },
    ...{ feedForwardSize: 4 * hiddenSize, maxLength: Math.max(length, 128), numHashes: 2 },
    ...{ lshChunkLength: chunk, localChunkLength: chunk, initializerRange: 0.05, axialInitStd: 0.05 },
    layers: Array.from({ length: depth }, (_, i) => kinds[i % kinds.length] ?? "lsh"),
  };
}
