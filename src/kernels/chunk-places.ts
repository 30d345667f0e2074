import source from "../../shaders/chunk-places.wgsl?raw";
import { defineKernel } from "../gpu/kernel.js";
import { ceilDiv, lineGrid } from "../shapes.js";

export interface ChunkPlacesDims {
  readonly batch: number;
  readonly heads: number;
  readonly length: number;
  readonly rounds: number;
  readonly chunkLength: number;
  /** Ids per round, the padding bucket included. */
  readonly buckets: number;
}

const slots = (d: ChunkPlacesDims): number => d.batch * d.heads * d.rounds * d.length;
const roundsShape = (d: ChunkPlacesDims): number[] => [d.batch, d.heads, d.rounds, d.length];

/** The `order` that attention needs to count copies or to stay within buckets. See shaders/chunk-places.wgsl. */
export const chunkPlaces = defineKernel<ChunkPlacesDims>({
  name: "chunk-places",
  sources: [source],
  overrides: (d) => ({ ROUNDS: d.rounds }),
  params: { batch: "u32", heads: "u32", length: "u32", chunkLength: "u32", buckets: "u32" },
  bindings: {
    order: { access: "read", type: "u32", shape: roundsShape },
    bucketIds: { access: "read", type: "u32", shape: roundsShape },
    places: { access: "write", type: "u32", shape: (d) => [3, ...roundsShape(d)] },
  },
  grid: (d) => lineGrid(ceilDiv(slots(d), 64)),
  cost: (d) => ({ flops: 0, bytes: slots(d) * 20 }),
});
