// Stable sort of tokens by bucket: for every digit of the bucket id one dispatch where a tile holds all tokens, else two or
// three.
import {
  type BucketSortDims,
  bucketCounts,
  bucketSortHistogram,
  bucketSortPasses,
  bucketSortScan,
  bucketSortScatter,
  bucketSortSteps,
} from "../kernels/bucket-sort.js";
import type { Recording, Tensor } from "../scheduler/recording.js";

/** What is sorted: independent segments of `length` ids, each below `buckets` (a padding bucket counts). */
export interface BucketSortSizes {
  readonly segments: number;
  readonly length: number;
  readonly buckets: number;
}

/**
 * Records the sort of `ids` (u32 [segments, length]) and returns its order (u32 [segments, length], transient):
 * in every segment the positions 0 to length - 1 by ascending id, equal ids in ascending position.
 * Ids of `buckets` or more give a wrong order, still a permutation.
 * @throws {ShapeError} where `ids` has another number of elements or `buckets` is not a whole number ≥ 1.
 */
export function recordBucketSort(recording: Recording, sizes: BucketSortSizes, ids: Tensor): Tensor {
  const { segments, length, buckets } = sizes;
  return recording.scope("sort", () => {
    let orderIn: Tensor | undefined;
    for (const pass of bucketSortPasses(buckets)) {
      const dims: BucketSortDims = { segments, length, ...pass };
      const order = recording.tensor("order", [segments, length], "u32");
      const steps = bucketSortSteps(dims);
      let counts: Tensor | undefined;
      if (!steps.whole) {
        counts = recording.tensor("counts", bucketCounts(dims), "u32");
        recording.dispatch(bucketSortHistogram, dims, { ids, orderIn, counts });
        if (steps.scanned) recording.dispatch(bucketSortScan, dims, { positions: counts });
      }
      recording.dispatch(bucketSortScatter, { ...dims, ...steps }, { ids, orderIn, starts: counts, order });
      orderIn = order;
    }
    return orderIn as Tensor;
  });
}
