// Cases of the steps of a sort's pass, each by itself.
import { type BucketScatterDims, type BucketSortDims, bucketTile } from "../kernels/bucket-sort.js";
import { exactly, type SelfTestCase } from "./case.js";

/** Segments, of a tile of tokens and some more. */
const SEGMENTS = 2;
const MORE = 101;

function sorting<Dims extends BucketSortDims>(given: Dims, tiles = 2) {
  const tile = bucketTile(given);
  const length = (tiles - 1) * tile + MORE;
  const d = { ...given, segments: SEGMENTS, length };
  // Any numbers: the lower and the higher digits matter to no pass.
  const ids = Uint32Array.from({ length: SEGMENTS * length }, (_, i) => Math.imul(i + 1, 0x9e3779b1));
  // From the last token to the first.
  const orderIn = Uint32Array.from(ids, (_, i) => length - 1 - (i % length));
  const token = (segment: number, i: number) => (d.first ? i : (orderIn[segment * length + i] as number));
  const digit = (segment: number, t: number) => ((ids[segment * length + t] as number) >>> d.shift) % d.radix;
  const counts = new Uint32Array(SEGMENTS * d.radix * tiles);
  const order = new Uint32Array(ids.length);
  for (let segment = 0; segment < SEGMENTS; segment++) {
    const tokens = Array.from({ length }, (_, i) => token(segment, i));
    for (const [i, t] of tokens.entries()) {
      const at = (segment * d.radix + digit(segment, t)) * tiles + Math.floor(i / tile);
      counts[at] = (counts[at] as number) + 1;
    }
    tokens.sort((a, b) => digit(segment, a) - digit(segment, b)); // stable
    order.set(tokens, segment * length);
  }
  const each = d.radix * tiles;
  let running = 0;
  const starts = counts.map((count, i) => {
    const start = i % each === 0 ? 0 : running;
    running = start + count;
    return start;
  });
  return { d, given: { ids, ...(!d.first && { orderIn }) }, counts, starts, order };
}

export function histogramCase(dims: BucketSortDims): SelfTestCase {
  const { d, given, counts } = sorting(dims);
  return { dims: [d], given, expected: { counts: exactly(counts) } };
}

export function scanCase(dims: BucketSortDims): SelfTestCase {
  const { d, counts, starts } = sorting(dims);
  return { dims: [d], given: { positions: counts }, expected: { positions: exactly(starts) } };
}

export function scatterCase(dims: BucketScatterDims): SelfTestCase {
  const { d, given, counts, starts, order } = sorting(dims, dims.whole ? 1 : 2);
  const before = { starts: d.scanned ? starts : counts };
  return { dims: [d], given: { ...given, ...(!d.whole && before) }, expected: { order: exactly(order) } };
}
