import type { BucketSortDims } from "../../src/kernels/bucket-sort.js";

/** Positions 0 … length - 1 of every segment by ascending id, equal ids in ascending position. */
export function bucketSort(segments: number, length: number, ids: ArrayLike<number>): number[] {
  const order: number[] = [];
  for (let s = 0; s < segments; s++) {
    const positions = Array.from({ length }, (_, t) => t);
    positions.sort((a, b) => ids[s * length + a]! - ids[s * length + b]! || a - b);
    for (const t of positions) order.push(t);
  }
  return order;
}

const digitOf = ({ radix, shift }: BucketSortDims, id: number) => Math.floor(id / 2 ** shift) % radix;

/** counts[s, digit, tile]: keys of each digit in each run of `tile` positions of the order so far. */
export function bucketSortHistogram(
  dims: BucketSortDims,
  tile: number,
  ids: ArrayLike<number>,
  orderIn?: ArrayLike<number>,
): number[] {
  const { segments, length, radix } = dims;
  const tiles = Math.ceil(length / tile);
  const counts = new Array<number>(segments * radix * tiles).fill(0);
  for (let s = 0; s < segments; s++)
    for (let i = 0; i < length; i++) {
      const token = orderIn ? orderIn[s * length + i]! : i;
      const digit = digitOf(dims, ids[s * length + token]!);
      counts[(s * radix + digit) * tiles + Math.floor(i / tile)]!++;
    }
  return counts;
}

/** Exclusive running sums of every segment's counts. */
export function bucketSortScan(segments: number, counts: ArrayLike<number>): number[] {
  const size = counts.length / segments;
  const starts: number[] = [];
  for (let s = 0; s < segments; s++) {
    let running = 0;
    for (let i = 0; i < size; i++) {
      starts.push(running);
      running += counts[s * size + i]!;
    }
  }
  return starts;
}

/** The order so far, stably rearranged by one digit. */
export function bucketSortScatter(
  dims: BucketSortDims,
  ids: ArrayLike<number>,
  orderIn?: ArrayLike<number>,
): number[] {
  const { segments, length } = dims;
  const order: number[] = [];
  for (let s = 0; s < segments; s++) {
    const tokens = Array.from({ length }, (_, i) => (orderIn ? orderIn[s * length + i]! : i));
    const digit = (token: number) => digitOf(dims, ids[s * length + token]!);
    tokens.sort((a, b) => digit(a) - digit(b)); // Array.prototype.sort is stable
    for (const token of tokens) order.push(token);
  }
  return order;
}
