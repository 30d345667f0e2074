/** Tokens 0 … T of one row by ascending bucket, then position; and where T stands. */
export function decodeInsert(buckets: readonly number[]): {
  readonly order: readonly number[];
  readonly rank: number;
} {
  const order = buckets.map((_, t) => t).sort((a, b) => buckets[a]! - buckets[b]! || a - b);
  return { order, rank: order.indexOf(buckets.length - 1) };
}
