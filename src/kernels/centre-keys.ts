import source from "../../shaders/centre-keys.wgsl?raw";
import { bytesOf, defineKernel, type Kernel, type Storage, storedAs, storedName } from "../gpu/kernel.js";
import { ceilDiv } from "../shapes.js";
import { headsText } from "./chunk-attention.js";

/** Tokens of a tile (TILE in the shader). */
const TILE = 64;

/** Sizes of one centring. */
export interface CentreKeysDims {
  readonly batch: number;
  readonly heads: number;
  /** Tokens of a sequence. */
  readonly length: number;
  readonly headSize: number;
  /** true: the mean of the tokens before; false: of all tokens. */
  readonly causal: boolean;
  /** Whether a key mask is bound. */
  readonly masked: boolean;
}

const heads = (d: CentreKeysDims): readonly number[] => [d.batch, d.heads, d.length, d.headSize];
const scales = (d: CentreKeysDims): readonly number[] => [d.batch, d.heads, d.length];
const rows = (d: CentreKeysDims) => d.batch * d.heads;

/** Shape of the sums and counts that go from sum through scan to subtract. */
export const centreTiles = (d: CentreKeysDims): readonly number[] => [
  d.batch,
  d.heads,
  ceilDiv(d.length, TILE),
  d.headSize + 1,
];

/** Shape of the sums and counts of all tokens so far. */
export const centreTotals = (d: Pick<CentreKeysDims, "batch" | "heads" | "headSize">): readonly number[] => [
  d.batch,
  d.heads,
  d.headSize + 1,
];

const shared = (storage: Storage) =>
  ({
    sources: [...headsText[storage], source],
    overrides: (d: CentreKeysDims) => ({
      HEADS: d.heads,
      HEAD_SIZE: d.headSize,
      CAUSAL: Number(d.causal),
      MASKED: Number(d.masked),
    }),
    params: { length: "u32" },
  }) as const;
const inputs = (storage: Storage) =>
  ({
    qk: { access: "read", ...storedAs(storage, heads) },
    scale: { access: "read", shape: scales },
    keyMask: {
      access: "read",
      type: "u32",
      shape: (d: CentreKeysDims) => [d.batch, d.length],
      optional: true,
    },
  }) as const;

function sum(storage: Storage): Kernel<CentreKeysDims> {
  return defineKernel<CentreKeysDims>({
    ...shared(storage),
    name: storedName("centre-keys:sum", storage),
    entryPoint: "sum",
    bindings: { ...inputs(storage), tiles: { access: "write", shape: centreTiles } },
    grid: (d) => [ceilDiv(d.length, TILE), rows(d), 1],
    cost: (d) => ({
      flops: 2 * rows(d) * d.length * d.headSize,
      bytes: rows(d) * d.length * (bytesOf(storage) * d.headSize + 4),
    }),
  });
}

/** Step 1: sum and count of each tile. Definition: shaders/centre-keys.wgsl. */
export const centreKeysSum = sum("f32");
/** The same of vectors stored as halves. */
export const centreKeysSumHalf = sum("half");

/** Step 2, in place: what every tile has before it; adds all of them to the totals. Definition: shaders/centre-keys.wgsl. */
export const centreKeysScan = defineKernel<CentreKeysDims>({
  ...shared("f32"),
  name: "centre-keys:scan",
  entryPoint: "scan",
  bindings: {
    sums: { access: "read_write", shape: centreTiles },
    totals: { access: "read_write", shape: centreTotals },
  },
  grid: (d) => [ceilDiv(d.headSize + 1, 64), rows(d), 1],
  cost: (d) => ({
    flops: rows(d) * ceilDiv(d.length, TILE) * (d.headSize + 1),
    bytes: 8 * rows(d) * (ceilDiv(d.length, TILE) + 1) * (d.headSize + 1),
  }),
});

function subtract(storage: Storage): Kernel<CentreKeysDims> {
  return defineKernel<CentreKeysDims>({
    ...shared(storage),
    name: storedName("centre-keys:subtract", storage),
    entryPoint: "subtract",
    bindings: {
      ...inputs(storage),
      means: { access: "read", shape: centreTiles },
      centred: { access: "write", shape: heads },
    },
    grid: (d) => [ceilDiv(d.length, TILE), rows(d), 1],
    cost: (d) => ({
      flops: 4 * rows(d) * d.length * d.headSize,
      bytes: rows(d) * d.length * ((bytesOf(storage) + 4) * d.headSize + 4),
    }),
  });
}

/** Step 3: unit keys minus means, in f32. Definition: shaders/centre-keys.wgsl. */
export const centreKeysSubtract = subtract("f32");
/** The same of vectors stored as halves. */
export const centreKeysSubtractHalf = subtract("half");
