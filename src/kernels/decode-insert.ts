import source from "../../shaders/decode-insert.wgsl?raw";
import control from "../../shaders/shared/control.wgsl?raw";
import { defineKernel } from "../gpu/kernel.js";
import { lineGrid } from "../shapes.js";

/** Sizes of the lists of tokens by bucket that cached decoding keeps. */
export interface BucketListSizes {
  /** Independent rows: batch · heads · rounds. */
  readonly rows: number;
  readonly buckets: number;
  /** Most blocks that a row's lists need (`listBlocks`). */
  readonly blocks: number;
}

/** Chunks of the sorted order that a new token sees: its own, and some on either side. */
export interface DecodeWindow {
  readonly chunkLength: number;
  readonly chunksBefore: number;
  readonly chunksAfter: number;
}

export interface DecodeInsertDims extends BucketListSizes, DecodeWindow {
  /** New tokens of a row. */
  readonly count: number;
  /** Whether the last of them stands at the control buffer's position and gets a window; else the first stands at 0. */
  readonly atPosition: boolean;
}

/** Slots of a block; BLOCK in WGSL. */
const BLOCK = 16;

/** Blocks that lists of up to `capacity` tokens need: of every bucket that has any, all but the last are full. */
export const listBlocks = (buckets: number, capacity: number): number =>
  Math.min(buckets, capacity) + Math.floor(capacity / BLOCK);

/** Shape of the lists, u32. Layout: shaders/decode-insert.wgsl. */
export const listShape = ({ rows, buckets, blocks }: BucketListSizes): [number, number] => [
  rows,
  1 + 3 * buckets + (2 + BLOCK) * blocks,
];

export const windowLength = (d: DecodeWindow): number => d.chunkLength * (1 + d.chunksBefore + d.chunksAfter);

/** Inserts new tokens into their buckets' lists and finds the last one's window. Rules and shapes: shaders/decode-insert.wgsl. */
export const decodeInsert = defineKernel<DecodeInsertDims>({
  name: "decode-insert",
  sources: [control, source],
  overrides: (d) => ({
    AT_POSITION: Number(d.atPosition),
    CHUNKS_BEFORE: d.chunksBefore,
    CHUNKS_AFTER: d.chunksAfter,
  }),
  params: { rows: "u32", count: "u32", buckets: "u32", blocks: "u32", chunkLength: "u32" },
  bindings: {
    control: { access: "read", type: "u32", shape: () => [16] },
    newIds: { access: "read", type: "u32", shape: (d) => [d.rows, d.count] },
    lists: { access: "read_write", type: "u32", shape: listShape },
    window: { access: "write", type: "u32", shape: (d) => [d.rows, windowLength(d)] },
  },
  grid: (d) => lineGrid(d.rows),
  cost: (d) => ({
    flops: d.rows * d.buckets,
    bytes: 4 * d.rows * (5 * d.count + d.buckets + 3 * windowLength(d)),
  }),
});
