import source from "../../shaders/lsh-hash.wgsl?raw";
import { ConfigError } from "../errors.js";
import { defineKernel } from "../gpu/kernel.js";
import { ceilDiv } from "../shapes.js";

/** Factors a bucket count may be given in (overrides FACTOR_0 to FACTOR_7). */
const MAX_FACTORS = 8;

/** Sizes of one hashing. */
export interface LshHashDims {
  readonly batch: number;
  readonly heads: number;
  /** Tokens of a sequence. */
  readonly length: number;
  readonly headSize: number;
  readonly rounds: number;
  /** Even factors of the bucket count, the fastest first. */
  readonly factors: readonly number[];
  /** `rotationColumns(factors)`. */
  readonly rotationColumns: number;
  /** Whether a key mask is bound; its masked tokens share one more bucket, the product of the factors. */
  readonly masked: boolean;
}

/**
 * Columns a round's rotations need: half the sum of the bucket factors.
 * @throws {ConfigError} where a factor is odd or there are more than 8.
 */
export function rotationColumns(factors: readonly number[]): number {
  const even = factors.every((factor) => Number.isInteger(factor) && factor >= 2 && factor % 2 === 0);
  if (!even || factors.length === 0 || factors.length > MAX_FACTORS) {
    throw new ConfigError(
      `bucket factors are [${factors.join(", ")}]: give 1 to ${MAX_FACTORS} even numbers of at least 2`,
    );
  }
  return factors.reduce((sum, factor) => sum + factor / 2, 0);
}

function rotationsShape(dims: LshHashDims): readonly number[] {
  const { heads, headSize, rounds, factors } = dims;
  const columns = rotationColumns(factors);
  if (dims.rotationColumns !== columns) {
    throw new ConfigError(
      `rotationColumns is ${dims.rotationColumns}, the factors [${factors.join(", ")}] need ${columns}`,
    );
  }
  return [heads, headSize, rounds, columns];
}

/**
 * Bucket of every vector in every round, without the round's offset.
 * Equation, shapes and cost: shaders/lsh-hash.wgsl.
 */
export const lshHash = defineKernel<LshHashDims>({
  name: "lsh-hash",
  sources: [source],
  overrides: (d) => ({
    HEADS: d.heads,
    HEAD_SIZE: d.headSize,
    ROUNDS: d.rounds,
    COLUMNS: d.rotationColumns,
    MASKED: Number(d.masked),
    ...Object.fromEntries(Array.from({ length: MAX_FACTORS }, (_, i) => [`FACTOR_${i}`, d.factors[i] ?? 1])),
  }),
  params: { length: "u32" },
  bindings: {
    qk: { access: "read", shape: (d) => [d.batch, d.heads, d.length, d.headSize] },
    rotations: { access: "read", shape: rotationsShape },
    keyMask: { access: "read", type: "u32", shape: (d) => [d.batch, d.length], optional: true },
    buckets: { access: "write", type: "u32", shape: (d) => [d.batch, d.heads, d.rounds, d.length] },
  },
  grid: (d) => [ceilDiv(d.length, 64), d.rounds, d.batch * d.heads],
  cost: (d) => ({
    flops: 2 * d.batch * d.heads * d.length * d.rounds * d.headSize * d.rotationColumns,
    bytes:
      4 * d.batch * d.heads * d.length * (d.headSize + d.rounds) +
      4 * d.heads * d.headSize * d.rounds * d.rotationColumns,
  }),
});
