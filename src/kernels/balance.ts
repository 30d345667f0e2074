import source from "../../shaders/balance.wgsl?raw";
import { bytesOf, defineKernel, type Kernel, type Storage, storedAs, storedName } from "../gpu/kernel.js";
import { ceilDiv } from "../shapes.js";
import { headsText } from "./chunk-attention.js";

/** Sizes of one level of balanced hashing. */
export interface BalanceDims {
  readonly batch: number;
  readonly heads: number;
  /** Tokens of a sequence, at most 2^20. */
  readonly length: number;
  /** At most 256. */
  readonly headSize: number;
  readonly rounds: number;
  /** Factors of the bucket count. */
  readonly levels: number;
  readonly level: number;
  /** Product of the factors before this level's, at most 65,535; 1 in the first level. */
  readonly cells: number;
  /** This level's factor; cells·factor is at most 2^20. */
  readonly factor: number;
  /** Whether a key mask is bound. */
  readonly masked: boolean;
}

/** Ids of `balanceProject` are below this, those of masked tokens included. */
export const balanceIds = (d: BalanceDims): number => (d.cells + Number(d.masked)) * 2 ** 16;

const tokens = (d: BalanceDims): readonly number[] => [d.batch, d.heads, d.rounds, d.length];
const count = (d: BalanceDims) => d.batch * d.heads * d.rounds * d.length;

const shared = (storage: Storage) =>
  ({
    sources: [...headsText[storage], source],
    overrides: (d: BalanceDims) => ({
      HEADS: d.heads,
      HEAD_SIZE: d.headSize,
      ROUNDS: d.rounds,
      LEVELS: d.levels,
      LEVEL: d.level,
      CELLS: d.cells,
      FACTOR: d.factor,
      MASKED: Number(d.masked),
    }),
    params: { length: "u32" },
    grid: (d: BalanceDims) => [ceilDiv(d.length, 64), d.rounds, d.batch * d.heads] as const,
  }) as const;

function project(storage: Storage): Kernel<BalanceDims> {
  return defineKernel<BalanceDims>({
    ...shared(storage),
    name: storedName("balance:project", storage),
    entryPoint: "project",
    bindings: {
      qk: {
        access: "read",
        ...storedAs<BalanceDims>(storage, (d) => [d.batch, d.heads, d.length, d.headSize]),
      },
      directions: { access: "read", shape: (d) => [d.heads, d.headSize, d.rounds, d.levels] },
      cellsIn: { access: "read", type: "u32", shape: tokens, optional: true },
      keyMask: { access: "read", type: "u32", shape: (d) => [d.batch, d.length], optional: true },
      ids: { access: "write", type: "u32", shape: tokens },
    },
    cost: (d) => ({
      flops: 6 * count(d) * d.headSize,
      bytes: d.batch * d.heads * d.length * (bytesOf(storage) * d.headSize + 8 * d.rounds),
    }),
  });
}

/** Every token's cell and projection as one id to sort by. Definition: shaders/balance.wgsl. */
export const balanceProject = project("f32");
/** The same of vectors stored as halves. */
export const balanceProjectHalf = project("half");

/** Cells of equal size from the ranks. Definition: shaders/balance.wgsl. */
export const balanceAssign = defineKernel<BalanceDims>({
  ...shared("f32"),
  name: "balance:assign",
  entryPoint: "assign",
  bindings: {
    sortedIds: { access: "read", type: "u32", shape: tokens },
    order: { access: "read", type: "u32", shape: tokens },
    cells: { access: "write", type: "u32", shape: tokens },
  },
  cost: (d) => ({ flops: 0, bytes: 8 * count(d) }),
});
