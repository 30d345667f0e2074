import source from "../../shaders/bucket-lists.wgsl?raw";
import layout from "../../shaders/shared/bucket-lists.wgsl?raw";
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

export interface BucketListDims extends BucketListSizes {
  /** Tokens of a row. */
  readonly length: number;
}

/** Slots of a block; BLOCK in WGSL. */
const BLOCK = 16;

/** Blocks that lists of up to `capacity` tokens need: of every bucket that has any, all but the last are full. */
export const listBlocks = (buckets: number, capacity: number): number =>
  Math.min(buckets, capacity) + Math.floor(capacity / BLOCK);

/** Shape of the lists, u32. Layout: shaders/shared/bucket-lists.wgsl. */
export const listShape = ({ rows, buckets, blocks }: BucketListSizes): [number, number] => [
  rows,
  1 + 3 * buckets + (2 + BLOCK) * blocks,
];

/** Lists of sorted tokens by bucket. Shapes: shaders/bucket-lists.wgsl. */
export const bucketLists = defineKernel<BucketListDims>({
  name: "bucket-lists",
  sources: [layout, source],
  overrides: () => ({}),
  params: { rows: "u32", length: "u32", buckets: "u32", blocks: "u32" },
  bindings: {
    ids: { access: "read", type: "u32", shape: (d) => [d.rows, d.length] },
    order: { access: "read", type: "u32", shape: (d) => [d.rows, d.length] },
    lists: { access: "read_write", type: "u32", shape: listShape },
  },
  grid: (d) => lineGrid(d.rows),
  cost: (d) => ({ flops: 0, bytes: 4 * d.rows * (5 * d.length + 3 * d.buckets) }),
});
