/** Arithmetic of the families of hashing, from their definitions. */

export type Family = "rotations" | "hadamard" | "second-probe" | "centred" | "balanced";

export interface HashedModel {
  /** Tokens of the text. */
  readonly length: number;
  /** Numbers of the vectors that are hashed. */
  readonly headSize: number;
  readonly chunkLength: number;
}

/** Buckets, about two for each chunk, as the library chooses them for a text this short. */
export const bucketsOf = ({ length, chunkLength }: HashedModel): number =>
  2 ** Math.floor(Math.log2((2 * length) / chunkLength));

/**
 * Multiplications and additions to hash one vector of D numbers in all rounds. Sorting by bucket, which all families need,
 * is not counted.
 */
export function hashCost(family: Family, rounds: number, model: HashedModel): number {
  const { headSize: d } = model;
  const directions = 2 * d * (bucketsOf(model) / 2); // a bucket for each direction and its opposite
  switch (family) {
    case "rotations":
      return rounds * directions;
    case "second-probe": // two rounds share their directions
      return Math.ceil(rounds / 2) * directions;
    case "hadamard": // three times: d signs, then d log2 d additions
      return rounds * 3 * (d + d * Math.log2(d));
    case "centred": // length, mean and difference of each vector once
      return rounds * directions + 3 * d;
    case "balanced": // one direction to rank along
      return rounds * 2 * d;
    default:
      return family satisfies never;
  }
}
