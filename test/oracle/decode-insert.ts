// The order of tokens by bucket, and its lists as a row of u32 words, written and read one block at a time.
import type { BucketListSizes, DecodeWindow } from "../../src/kernels/decode-insert.js";

/** Tokens 0 … T of one row by ascending bucket, then position; and where T stands. */
export function decodeInsert(buckets: readonly number[]): {
  readonly order: readonly number[];
  readonly rank: number;
} {
  const order = buckets.map((_, t) => t).sort((a, b) => buckets[a]! - buckets[b]! || a - b);
  return { order, rank: order.indexOf(buckets.length - 1) };
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

const BLOCK = 16;

/** The tokens of every bucket, for tokens 0, 1, … of these ids. */
export function tokensByBucket(ids: readonly number[], buckets: number): number[][] {
  const lists: number[][] = Array.from({ length: buckets }, () => []);
  ids.forEach((bucket, token) => void lists[bucket]!.push(token));
  return lists;
}

/** Where the parts of a row begin. */
function partsOf({ buckets, blocks }: BucketListSizes) {
  const previous = 1 + 3 * buckets;
  return {
    first: 1,
    last: 1 + buckets,
    tokens: 1 + 2 * buckets,
    previous,
    next: previous + blocks,
    slots: previous + 2 * blocks,
  };
}

/** One row with tokens 0, 1, … of these ids, added one after the other; what is not in use is `unused`. */
export function writeLists(ids: readonly number[], sizes: BucketListSizes, unused = 0): Uint32Array {
  const at = partsOf(sizes);
  const row = new Uint32Array(at.slots + BLOCK * sizes.blocks).fill(unused);
  row[0] = 0;
  row.fill(0, at.tokens, at.previous);
  ids.forEach((bucket, token) => {
    const count = row[at.tokens + bucket]!++;
    if (count % BLOCK === 0) {
      const block = row[0]!++;
      const before = row[at.last + bucket]!;
      if (count === 0) row[at.first + bucket] = block;
      else [row[at.next + before], row[at.previous + block]] = [block, before];
      row[at.last + bucket] = block;
    }
    row[at.slots + row[at.last + bucket]! * BLOCK + (count % BLOCK)] = token;
  });
  return row;
}

/** The tokens of every bucket of one row. Throws where links or blocks contradict each other. */
export function readLists(row: Uint32Array, sizes: BucketListSizes): number[][] {
  const at = partsOf(sizes);
  const taken = new Set<number>();
  const lists = Array.from({ length: sizes.buckets }, (_, bucket) => {
    const list: number[] = [];
    const count = row[at.tokens + bucket]!;
    let block = row[at.first + bucket]!;
    for (let i = 0; i < count; i++) {
      if (i > 0 && i % BLOCK === 0) {
        const next = row[at.next + block]!;
        if (row[at.previous + next] !== block) throw new Error(`block ${next} does not follow ${block}`);
        block = next;
      }
      if (taken.has(block) && i % BLOCK === 0) throw new Error(`block ${block} is in two lists`);
      taken.add(block);
      list.push(row[at.slots + block * BLOCK + (i % BLOCK)]!);
    }
    if (count > 0 && row[at.last + bucket] !== block) throw new Error(`bucket ${bucket} ends elsewhere`);
    return list;
  });
  if (row[0] !== taken.size) throw new Error(`${row[0]} blocks are in use, but ${taken.size} have tokens`);
  return lists;
}
