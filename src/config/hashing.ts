// The families of hashing that LSH layers may use, and what each of them cannot do.
import { ConfigError } from "../errors.js";

/**
 * How an LSH layer gives every token a bucket per round:
 * - `rotations`: the largest of [Rx; -Rx] of Gaussian directions R, drawn anew for every round.
 * - `hadamard`: the same of coordinates of H·D3·H·D2·H·D1·x: sign flips D and Hadamard transforms H in place of R.
 * - `second-probe`: rounds 2k and 2k + 1 share a rotation; the odd one takes the runner-up instead of the winner. With
 *   several factors only the factor whose winner leads by the least goes to its runner-up.
 * - `centred`: rotations of unit keys minus their mean: over the earlier tokens where the model is causal, over all
 *   tokens where it is not.
 * - `balanced`: tokens ranked along a random direction and cut into buckets of equal size; every further factor cuts
 *   each of them along a direction of its own.
 */
export const HASHINGS = ["rotations", "hadamard", "second-probe", "centred", "balanced"] as const;
export type Hashing = (typeof HASHINGS)[number];

/** How LSH layers hash during one call; default as the model does. */
export interface HashOptions {
  readonly hashing?: Hashing | undefined;
  /** Rounds: more find more of what attention looks for, in proportionally more time. */
  readonly numHashes?: number | undefined;
}

/** Most rounds of hashing. */
export const MAX_HASHES = 64;

/** Balanced hashing sorts by (cell, 16 bits of projection) in 32 bits; one cell is left for padding. */
const MAX_CELLS = 2 ** 16 - 1;

/**
 * @throws what `fail` throws, where the model needs something that its hashing cannot keep
 */
export function checkHashing(
  fail: (field: string, given: unknown, needed: string) => never,
  config: {
    readonly hashing: Hashing;
    readonly causal: boolean;
    readonly layers: readonly string[];
    readonly numBuckets: number | readonly number[] | "auto";
  },
): void {
  const { hashing, causal, layers, numBuckets } = config;
  if (hashing !== "balanced" || !layers.includes("lsh")) return;
  if (causal) {
    const others = HASHINGS.filter((name) => name !== "balanced").join(", ");
    const why =
      "balanced ranks a token among all tokens, later ones too, so a token's bucket would tell of its";
    fail("hashing", hashing, `one of ${others} where causal is true: ${why} future and could not be cached`);
  }
  const cells = Array.isArray(numBuckets) ? numBuckets.slice(0, -1).reduce((a, b) => a * b, 1) : 1;
  if (cells > MAX_CELLS) {
    fail(
      "numBuckets",
      numBuckets,
      `factors whose product without the last is at most ${MAX_CELLS} for balanced hashing`,
    );
  }
}

/**
 * The configuration with another hashing, to compare families and rounds on one trained model. Unlike a model of that family,
 * a causal one may be measured with `balanced`: then later tokens have a say in who a token's candidates are.
 * @throws {ConfigError} where there is no such family or number of rounds
 */
export function withHashing<C extends { readonly hashing: Hashing; readonly numHashes: number }>(
  config: C,
  { hashing = config.hashing, numHashes = config.numHashes }: HashOptions,
): C {
  if (!HASHINGS.includes(hashing)) {
    throw new ConfigError(
      `hashing is ${JSON.stringify(hashing)}, but must be one of ${HASHINGS.join(", ")}.`,
      { field: "hashing" },
    );
  }
  if (!Number.isInteger(numHashes) || numHashes < 1 || numHashes > MAX_HASHES) {
    throw new ConfigError(
      `numHashes is ${numHashes}, but must be a whole number of rounds from 1 to ${MAX_HASHES}.`,
      { field: "numHashes" },
    );
  }
  return { ...config, hashing, numHashes };
}
