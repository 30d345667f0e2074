import hadamardSource from "../../shaders/lsh-hash.hadamard.wgsl?raw";
import quadsSource from "../../shaders/lsh-hash.quads.wgsl?raw";
import source from "../../shaders/lsh-hash.wgsl?raw";
import wideSource from "../../shaders/lsh-hash.wide.wgsl?raw";
import keyScaleText from "../../shaders/shared/key-scale.wgsl?raw";
import common from "../../shaders/shared/lsh-hash.wgsl?raw";
import { ConfigError } from "../errors.js";
import { bytesOf, defineKernel, type Kernel, type Storage, storedAs, storedName } from "../gpu/kernel.js";
import { ceilDiv } from "../shapes.js";
import { headsText } from "./chunk-attention.js";
import { rotationSignsShape, rotationSize } from "./rotations.js";

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
  /** 2: every rotation serves two rounds, the second of which takes the runner-up; default 1. */
  readonly probes?: 1 | 2;
}

/** Rotations that the rounds need. */
export const rotationRounds = (rounds: number, probes: 1 | 2 = 1): number => ceilDiv(rounds, probes);

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
  return [heads, headSize, rotationRounds(rounds, dims.probes), columns];
}

const overrides = (d: LshHashDims) => ({
  HEADS: d.heads,
  ROUNDS: d.rounds,
  COLUMNS: d.rotationColumns,
  MASKED: Number(d.masked),
  ...Object.fromEntries(Array.from({ length: MAX_FACTORS }, (_, i) => [`FACTOR_${i}`, d.factors[i] ?? 1])),
});

const shared = [keyScaleText, common];

/** Bindings from the fourth on. */
const rest: Kernel<LshHashDims>["bindings"] = {
  keyMask: { access: "read", type: "u32", shape: (d) => [d.batch, d.length], optional: true },
  buckets: { access: "write", type: "u32", shape: (d) => [d.batch, d.heads, d.rounds, d.length] },
  scale: { access: "write", shape: (d) => [d.batch, d.heads, d.length] },
};

const vectors = (d: LshHashDims) => [d.batch, d.heads, d.length, d.headSize];

const oneProbe = ({ probes = 1 }: LshHashDims) => probes === 1;

/** Rotation columns from which the wide form pays, and those that it projects on at a time (WIDTH in the shader). */
const MANY_COLUMNS = 64;
const WIDTH = 32;

function gaussian(storage: Storage): Kernel<LshHashDims> {
  return defineKernel<LshHashDims>({
    name: storedName("lsh-hash", storage),
    sources: [...headsText[storage], ...shared, source],
    overrides: (d) => ({ ...overrides(d), HEAD_SIZE: d.headSize, PROBES: d.probes ?? 1 }),
    params: { length: "u32", headSize: "u32" },
    variants: [
      {
        name: "quads",
        sources: ["enable subgroups;", ...headsText[storage], ...shared, quadsSource],
        overrides,
        grid: (d) => [ceilDiv(d.length, 128), d.rounds, d.batch * d.heads],
        requires: { feature: "subgroups" },
        software: true,
        supports: oneProbe,
      },
      {
        name: "wide",
        sources: [...headsText[storage], ...shared, wideSource],
        overrides: (d) => ({ ...overrides(d), HEAD_SIZE: d.headSize }),
        grid: (d) => [ceilDiv(d.length, 64), d.rounds, d.batch * d.heads],
        supports: oneProbe,
        // Every factor has tiles of its own: smaller ones would leave them empty.
        suits: (d) => d.rotationColumns >= MANY_COLUMNS && Math.min(...d.factors) / 2 >= WIDTH,
      },
    ],
    bindings: {
      qk: { access: "read", ...storedAs(storage, vectors) },
      rotations: { access: "read", shape: rotationsShape },
      ...rest,
    },
    grid: (d) => [ceilDiv(d.length, 64), rotationRounds(d.rounds, d.probes), d.batch * d.heads],
    cost: (d) => {
      const rotated = rotationRounds(d.rounds, d.probes) * d.headSize * d.rotationColumns;
      return {
        flops: 2 * d.batch * d.heads * d.length * rotated,
        bytes:
          d.batch * d.heads * d.length * (bytesOf(storage) * d.headSize + 4 * d.rounds + 4) +
          4 * d.heads * rotated,
      };
    },
  });
}

/**
 * Bucket of every vector in every round, without the round's offset, and what makes it a key.
 * Equation, shapes and cost: shaders/lsh-hash.wgsl.
 */
export const lshHash = gaussian("f32");
/** The same of vectors stored as halves. */
export const lshHashHalf = gaussian("half");

/** Words of a workgroup's tile of vectors. */
const TILE_WORDS = 2048;

/** Tokens that a workgroup of the fast rotation holds. */
const tile = (d: LshHashDims) => Math.min(64, TILE_WORDS / rotationSize(d.headSize));

function hadamard(storage: Storage): Kernel<LshHashDims> {
  return defineKernel<LshHashDims>({
    name: storedName("lsh-hash:hadamard", storage),
    sources: [...headsText[storage], ...shared, hadamardSource],
    overrides: (d) => ({
      ...overrides(d),
      HEAD_SIZE: d.headSize,
      SIZE: rotationSize(d.headSize),
      TILE: tile(d),
    }),
    params: { length: "u32", headSize: "u32" },
    supports: (d) => d.headSize >= 4 && d.headSize <= 256,
    bindings: {
      qk: { access: "read", ...storedAs(storage, vectors) },
      signs: {
        access: "read",
        type: "u32",
        shape: (d) => rotationSignsShape({ ...d, columns: d.rotationColumns }),
      },
      ...rest,
    },
    grid: (d) => [ceilDiv(d.length, tile(d)), d.rounds, d.batch * d.heads],
    cost: (d) => {
      const size = rotationSize(d.headSize);
      const rotations = d.rounds * ceilDiv(d.rotationColumns, size);
      return {
        flops: d.batch * d.heads * d.length * rotations * 3 * size * Math.log2(size),
        bytes: d.batch * d.heads * d.length * (bytesOf(storage) * d.headSize + 4 * d.rounds + 4),
      };
    },
  });
}

/** The same by fast rotations: sign flips and Hadamard transforms. Definition: shaders/lsh-hash.hadamard.wgsl. */
export const lshHashHadamard = hadamard("f32");
/** The same of vectors stored as halves. */
export const lshHashHadamardHalf = hadamard("half");
