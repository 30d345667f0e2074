import source from "../../shaders/decode-insert.wgsl?raw";
import layout from "../../shaders/shared/bucket-lists.wgsl?raw";
import control from "../../shaders/shared/control.wgsl?raw";
import { defineKernel } from "../gpu/kernel.js";
import { lineGrid } from "../shapes.js";
import { type BucketListSizes, listShape } from "./bucket-lists.js";

export interface DecodeInsertDims extends BucketListSizes {
  readonly chunkLength: number;
  readonly chunksBefore: number;
  readonly chunksAfter: number;
}

const windowLength = (d: DecodeInsertDims) => d.chunkLength * (1 + d.chunksBefore + d.chunksAfter);

/** Inserts a new token into its bucket's list and finds its window. Rules and shapes: shaders/decode-insert.wgsl. */
export const decodeInsert = defineKernel<DecodeInsertDims>({
  name: "decode-insert",
  sources: [control, layout, source],
  overrides: (d) => ({ CHUNKS_BEFORE: d.chunksBefore, CHUNKS_AFTER: d.chunksAfter }),
  params: { rows: "u32", buckets: "u32", blocks: "u32", chunkLength: "u32" },
  bindings: {
    control: { access: "read", type: "u32", shape: () => [16] },
    newIds: { access: "read", type: "u32", shape: (d) => [d.rows] },
    lists: { access: "read_write", type: "u32", shape: listShape },
    window: { access: "write", type: "u32", shape: (d) => [d.rows, windowLength(d)] },
  },
  grid: (d) => lineGrid(d.rows),
  cost: (d) => ({ flops: d.rows * d.buckets, bytes: 4 * d.rows * (d.buckets + 3 * windowLength(d)) }),
});
