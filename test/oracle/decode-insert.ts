/** Tokens 0 … T of one row by ascending bucket, then position; and where T stands. */
export function decodeInsert(buckets: readonly number[]): {
  readonly order: readonly number[];
  readonly rank: number;
} {
  const order = buckets.map((_, t) => t).sort((a, b) => buckets[a]! - buckets[b]! || a - b);
  return { order, rank: order.indexOf(buckets.length - 1) };
}

export interface DecodeWindow {
  readonly chunkLength: number;
  readonly chunksBefore: number;
  readonly chunksAfter: number;
}

const OTHER_BUCKET = 2 ** 31;

/** Tokens around the last one in the order of all, those of other buckets marked. */
export function decodeWindow(
  buckets: readonly number[],
  { chunkLength, chunksBefore, chunksAfter }: DecodeWindow,
): number[] {
  const { order, rank } = decodeInsert(buckets);
  const tokens = buckets.length;
  const first = (Math.floor(rank / chunkLength) - chunksBefore) * chunkLength;
  return Array.from({ length: chunkLength * (1 + chunksBefore + chunksAfter) }, (_, j) => {
    const token = order[(((first + j) % tokens) + tokens) % tokens]!;
    return token + (buckets[token] === buckets.at(-1) ? 0 : OTHER_BUCKET);
  });
}
