import aloneSource from "../../shaders/bucket-sort.alone.wgsl?raw";
import ballotSource from "../../shaders/bucket-sort.ballot.wgsl?raw";
import source from "../../shaders/bucket-sort.wgsl?raw";
import common from "../../shaders/shared/bucket-sort.wgsl?raw";
import { ShapeError } from "../errors.js";
import { defineKernel, type Variant } from "../gpu/kernel.js";
import { ceilDiv, lineGrid } from "../shapes.js";

/** Bits of the largest digit; its counters fill 16 KiB of workgroup memory. */
const MAX_BITS = 8;

/** Bits of the smallest digit; fewer would only add pipelines. */
const MIN_BITS = 4;

/** Keys of one lane of the scatter step (KEYS in the shaders). */
const KEYS = 64;

/** One digit of the sort: digit = (id >> shift) mod radix. */
export interface BucketSortPass {
  /** A power of two up to 256. */
  readonly radix: number;
  readonly shift: number;
  /** Whether the order so far is 0, 1, 2, … (then no orderIn is bound). */
  readonly first: boolean;
}

/** Sizes of one pass over independent segments. */
export interface BucketSortDims extends BucketSortPass {
  readonly segments: number;
  /** Keys of a segment. */
  readonly length: number;
}

/**
 * The passes that sort ids below `buckets`, in order: as few as possible, with digits as small as that allows.
 * One pass up to 256 buckets, two up to 65,536.
 * @throws {ShapeError} where buckets is not a whole number of at least 1.
 */
export function bucketSortPasses(buckets: number): BucketSortPass[] {
  if (!Number.isInteger(buckets) || buckets < 1 || buckets > 2 ** 32) {
    throw new ShapeError(`sorting needs a bucket count from 1 to 2^32, it is ${buckets}`);
  }
  const idBits = 32 - Math.clz32(buckets - 1); // of the largest id
  const count = Math.max(1, ceilDiv(idBits, MAX_BITS));
  const bits = Math.max(MIN_BITS, ceilDiv(idBits, count));
  return Array.from({ length: count }, (_, i) => ({ radix: 2 ** bits, shift: i * bits, first: i === 0 }));
}

const lanes = (d: BucketSortDims) => (d.radix <= 128 ? 64 : 32);
/** Positions of a segment that histogram and scatter work on at a time. */
export const bucketTile = (d: BucketSortDims): number => lanes(d) * KEYS;
const tiles = (d: BucketSortDims) => ceilDiv(d.length, bucketTile(d));

/** Shape of the counts that go from histogram through scan to scatter. */
export const bucketCounts = (d: BucketSortDims): readonly number[] => [d.segments, d.radix, tiles(d)];

const keys = (d: BucketSortDims): readonly number[] => [d.segments, d.length];

const overrides = (d: BucketSortDims) => ({ RADIX: d.radix, LANES: lanes(d) });

/** Keys of the longest segment that the scatter step places without a scan: it counts in 16 bits. */
const UNSCANNED = 2 ** 16;

/** How a pass runs: in how many dispatches. */
export interface BucketSortSteps {
  /** A segment is one tile: the scatter step does all. */
  readonly whole: boolean;
  /** Counts go through the scan step. */
  readonly scanned: boolean;
}

/**
 * The fewest steps for a pass. Without a scan every tile adds the counts up itself, and should read no more of them
 * than half its keys.
 */
export function bucketSortSteps(d: BucketSortDims): BucketSortSteps {
  const few = d.length <= UNSCANNED && 2 * d.radix * tiles(d) <= bucketTile(d);
  return { whole: tiles(d) === 1, scanned: !few };
}

export interface BucketScatterDims extends BucketSortDims, BucketSortSteps {}

const scatterOverrides = (d: BucketScatterDims) => ({
  ...overrides(d),
  SCANNED: Number(d.scanned),
  WHOLE: Number(d.whole),
});

const allTiles = (d: BucketSortDims) => d.segments * tiles(d);

/** The form without barriers, an invocation for each of `count`. */
const alone = (count: (d: BucketSortDims) => number) =>
  ({
    name: "alone",
    sources: [common, aloneSource],
    overrides,
    grid: (d: BucketSortDims) => lineGrid(ceilDiv(count(d), 8)),
    software: true,
  }) as const;

/** Ranks by ballots: worth it where they reach far. */
const ballot: Variant<BucketScatterDims> = {
  name: "ballot",
  sources: ["enable subgroups;", common, ballotSource],
  overrides: scatterOverrides,
  grid: (d) => lineGrid(allTiles(d)),
  requires: { feature: "subgroups" },
  subgroupSize: 16,
};

const shared = {
  sources: [common, source],
  overrides,
  params: { segments: "u32", length: "u32", shift: "u32", first: "u32" },
} as const;

/** Step 1 of a pass: keys of each digit in each tile. Definition: shaders/bucket-sort.wgsl. */
export const bucketSortHistogram = defineKernel<BucketSortDims>({
  ...shared,
  name: "bucket-sort:histogram",
  entryPoint: "histogram",
  variants: [alone(allTiles)],
  bindings: {
    ids: { access: "read", type: "u32", shape: keys },
    orderIn: { access: "read", type: "u32", shape: keys, optional: true },
    counts: { access: "write", type: "u32", shape: bucketCounts },
  },
  grid: (d) => lineGrid(allTiles(d)),
  cost: (d) => ({
    flops: 0,
    bytes: 4 * d.segments * ((d.first ? 1 : 2) * d.length + d.radix * tiles(d)),
  }),
});

/** Step 2 of a pass, in place: exclusive sums of a segment's counts. Definition: shaders/bucket-sort.wgsl. */
export const bucketSortScan = defineKernel<BucketSortDims>({
  ...shared,
  name: "bucket-sort:scan",
  entryPoint: "scan",
  variants: [alone((d) => d.segments)],
  bindings: { positions: { access: "read_write", type: "u32", shape: bucketCounts } },
  grid: (d) => lineGrid(d.segments),
  cost: (d) => ({ flops: 0, bytes: 8 * d.segments * d.radix * tiles(d) }),
});

/** Last step of a pass: every key goes to its place. Definition: shaders/bucket-sort.wgsl. */
export const bucketSortScatter = defineKernel<BucketScatterDims>({
  ...shared,
  name: "bucket-sort:scatter",
  entryPoint: "scatter",
  supports: (d) => (d.whole ? tiles(d) === 1 && !d.scanned : d.scanned || d.length <= UNSCANNED),
  overrides: scatterOverrides,
  variants: [{ ...alone(allTiles), overrides: scatterOverrides }, ballot],
  bindings: {
    ids: { access: "read", type: "u32", shape: keys },
    orderIn: { access: "read", type: "u32", shape: keys, optional: true },
    starts: { access: "read", type: "u32", shape: bucketCounts, optional: true },
    order: { access: "write", type: "u32", shape: keys },
  },
  grid: (d) => lineGrid(allTiles(d)),
  cost: (d) => {
    const counts = d.whole ? 0 : d.radix * (d.scanned ? 1 : tiles(d));
    return { flops: 0, bytes: 4 * (d.segments * (d.first ? 2 : 3) * d.length + allTiles(d) * counts) };
  },
});
