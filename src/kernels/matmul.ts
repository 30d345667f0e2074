import matrixSource from "../../shaders/matmul.matrix.wgsl?raw";
import quadsSource from "../../shaders/matmul.quads.wgsl?raw";
import rowsSource from "../../shaders/matmul.rows.wgsl?raw";
import tiledSource from "../../shaders/matmul.tiled.wgsl?raw";
import matmulSource from "../../shaders/matmul.wgsl?raw";
import wideSource from "../../shaders/matmul.wide.wgsl?raw";
import activation from "../../shaders/shared/activation.wgsl?raw";
import control from "../../shaders/shared/control.wgsl?raw";
import dropout from "../../shaders/shared/dropout.wgsl?raw";
import foursOfA from "../../shaders/shared/fours-of-a.wgsl?raw";
import foursOfAHalf from "../../shaders/shared/fours-of-a-half.wgsl?raw";
import foursOfB from "../../shaders/shared/fours-of-b.wgsl?raw";
import foursOfBHalf from "../../shaders/shared/fours-of-b-half.wgsl?raw";
import halves from "../../shaders/shared/halves.wgsl?raw";
import masks from "../../shaders/shared/masks.wgsl?raw";
import shared from "../../shaders/shared/matmul.wgsl?raw";
import keepSum from "../../shaders/shared/matmul-keep.wgsl?raw";
import pairSum from "../../shaders/shared/matmul-pair.wgsl?raw";
import plainSum from "../../shaders/shared/matmul-plain.wgsl?raw";
import slices from "../../shaders/shared/matmul-slices.wgsl?raw";
import quadF16 from "../../shaders/shared/quad-f16.wgsl?raw";
import quadF32 from "../../shaders/shared/quad-f32.wgsl?raw";
import quadHalf from "../../shaders/shared/quad-half.wgsl?raw";
import stream from "../../shaders/shared/stream.wgsl?raw";
import threefry from "../../shaders/shared/threefry.wgsl?raw";
import type { Activation } from "../config/fields.js";
import { ConfigError } from "../errors.js";
import {
  bytesOf,
  defineKernel,
  type KernelSpec,
  type Storage,
  SUBGROUP_MATRICES,
  storedAs,
  type Variant,
} from "../gpu/kernel.js";
import { ceilDiv } from "../shapes.js";
import { ACTIVATION_CODES } from "./activation.js";

/** Overwrite, add in f32, or add to or subtract from a residual stream. In the order of the WGSL constants. */
const STORES = ["set", "add", "residualAdd", "residualSub"] as const;

export interface MatmulDims {
  /** C is [m, n], K has k terms. In a heads layout, m (or k, or n) that counts tokens counts those of the slab only. */
  readonly m: number;
  readonly n: number;
  readonly k: number;
  /** A is stored as [k, m]. */
  readonly transposeA: boolean;
  /** B is stored as [n, k]. */
  readonly transposeB: boolean;
  /** The stored matrix is the heads layout [batch, heads, length, headSize] of [batch·length, heads·headSize]. */
  readonly aHeads: boolean;
  readonly bHeads: boolean;
  readonly cHeads: boolean;
  /** C is two matrices in the heads layout, side by side: n counts the columns of both. Of `matmulPair` alone. */
  readonly pair: boolean;
  /** B, or C, is some columns of the stored matrix, which has `width` of them: those from `firstColumn` on. */
  readonly columnsOf: "b" | "c" | "none";
  readonly width: number;
  readonly firstColumn: number;
  /** Sequences, heads, tokens per sequence and head size of heads layouts; batch and length also of `keep`. */
  readonly batch: number;
  readonly heads: number;
  readonly length: number;
  readonly headSize: number;
  /** Token of the slab's first row: added to rows in heads layouts and in dropout masks. */
  readonly rowOffset: number;
  readonly store: (typeof STORES)[number];
  /** Residual stores: the stream is int32 fixed point, else f32 bits. */
  readonly fixedPoint: boolean;
  /** Applied last, before the store. */
  readonly activation: Activation;
  /** Multiplies by the derivative of dropout and activation at `before` instead. */
  readonly gradient: boolean;
  readonly bias: boolean;
  /** 0 none, 1 seeded, 2 by the `keep` mask. */
  readonly dropout: 0 | 1 | 2;
  readonly dropoutRate: number;
  readonly site: number;
  /** Parts of K: out is [splits, m, n], to be summed by `sumPartials`. Only with a plain "set" store. */
  readonly splits: number;
}

/** Whether a product is added to a residual stream, or taken from it. */
export const isResidual = (store: MatmulDims["store"]): boolean => store.startsWith("residual");

/**
 * Complete dims from the ones that matter: a plain product without transposes, epilogue or splits by default.
 * @throws {ConfigError} where layouts and sizes disagree, or splits meet an epilogue.
 */
export function matmulDims(
  given: Pick<MatmulDims, "m" | "n" | "k"> & { readonly [F in keyof MatmulDims]?: MatmulDims[F] | undefined },
): MatmulDims {
  const { m, n, k, store = "set" } = given;
  const dims: MatmulDims = {
    m,
    n,
    k,
    transposeA: given.transposeA ?? false,
    transposeB: given.transposeB ?? false,
    aHeads: given.aHeads ?? false,
    bHeads: given.bHeads ?? false,
    cHeads: given.cHeads ?? false,
    pair: given.pair ?? false,
    columnsOf: given.columnsOf ?? "none",
    width: given.width ?? 0,
    firstColumn: given.firstColumn ?? 0,
    batch: given.batch ?? 1,
    heads: given.heads ?? 1,
    length: given.length ?? 1,
    headSize: given.headSize ?? 1,
    rowOffset: given.rowOffset ?? 0,
    store,
    fixedPoint: isResidual(store) && (given.fixedPoint ?? false), // one program for all others
    activation: given.activation ?? "linear",
    gradient: given.gradient ?? false,
    bias: given.bias ?? false,
    dropout: given.dropout ?? 0,
    dropoutRate: given.dropoutRate ?? 0,
    site: given.site ?? 0,
    splits: given.splits ?? 1,
  };
  checkHeads(dims);
  checkColumns(dims);
  const epilogue = dims.store !== "set" || dims.bias || dims.dropout || dims.activation !== "linear";
  if (dims.splits > 1 && epilogue) {
    throw new ConfigError(
      `matmul in ${dims.splits} splits stores partial sums: use store "set" without bias, dropout and activation`,
    );
  }
  return dims;
}

function checkHeads(dims: MatmulDims): void {
  const { m, n, k, heads, headSize, batch, length, rowOffset } = dims;
  if (dims.pair && (!dims.cHeads || dims.store !== "set" || dims.splits > 1)) {
    throw new ConfigError(
      `matmul into two matrices has heads ${dims.cHeads}, store "${dims.store}" and ${dims.splits} splits: use the heads layout and store "set" without splits`,
    );
  }
  const operands: [name: string, inHeads: boolean, tokens: number, columns: number][] = [
    ["A", dims.aHeads, dims.transposeA ? k : m, dims.transposeA ? m : k],
    ["B", dims.bHeads, dims.transposeB ? n : k, dims.transposeB ? k : n],
    ["C", dims.cHeads, m, dims.pair ? n / 2 : n],
  ];
  for (const [name, inHeads, tokens, columns] of operands) {
    if (!inHeads) continue;
    if (columns !== heads * headSize) {
      throw new ConfigError(
        `matmul: ${name} in heads layout has ${columns} columns, needed ${heads} heads · ${headSize}`,
      );
    }
    if (rowOffset + tokens > batch * length) {
      throw new ConfigError(
        `matmul: ${name} in heads layout holds ${batch} · ${length} tokens, needed ${rowOffset} + ${tokens}`,
      );
    }
  }
}

function checkColumns(dims: MatmulDims): void {
  const { columnsOf, width, firstColumn, n, k } = dims;
  if (columnsOf === "none") return;
  const isB = columnsOf === "b";
  const columns = isB && dims.transposeB ? k : n;
  if (firstColumn + columns > width) {
    throw new ConfigError(
      `matmul: ${columnsOf} is columns ${firstColumn} to ${firstColumn + columns} of a matrix that has ${width}`,
    );
  }
  if (isB ? dims.bHeads : dims.cHeads || dims.splits > 1) {
    throw new ConfigError(`matmul: columns of ${columnsOf} are those of one row-major matrix`);
  }
}

const headsShape = (d: MatmulDims): readonly number[] => [d.batch, d.heads, d.length, d.headSize];

/**
 * Shape of a C that is stored as halves, in numbers.
 * @throws {ConfigError} where two neighbours make no word, or more than one value meets in one
 */
function halvesOfC(d: MatmulDims): readonly number[] {
  const pairs = d.cHeads ? d.headSize : d.n;
  if (d.store !== "set" || d.splits > 1 || d.columnsOf === "c" || pairs % 2 !== 0) {
    throw new ConfigError(
      `matmul into halves has store "${d.store}", ${d.splits} splits, columns of ${d.columnsOf} and rows of ${pairs}: use store "set" without splits, into all columns of a matrix or heads of an even size`,
    );
  }
  return d.cHeads ? headsShape(d) : [d.m, d.n];
}

/**
 * Shape of the kept sums.
 * @throws {ConfigError} where C is not stored like them
 */
function keptShape(d: MatmulDims): readonly number[] {
  if (d.store !== "set" || d.splits > 1 || d.cHeads || d.columnsOf === "c") {
    throw new ConfigError(
      `matmul that keeps its sums has store "${d.store}", ${d.splits} splits, heads ${d.cHeads} and columns of ${d.columnsOf}: use store "set" without splits, into a matrix of rows`,
    );
  }
  return [d.m, d.n];
}

/** Parts of K that give a product with few tiles 512 workgroups (to fill a large GPU), of at least 512 terms each. */
export function matmulSplits(m: number, n: number, k: number): number {
  const tiles = ceilDiv(m, TILE) * ceilDiv(n, TILE);
  return Math.max(1, Math.min(ceilDiv(512, tiles), Math.floor(k / 512)));
}

/**
 * Forms that round their operands to halves and sum in f32, for products of more than 8 rows: as matrices where the device
 * has them, in its own f16 where it has that, else packed. An operand beyond 65,504 makes the result infinite or NaN.
 */
export function halfVariants(features: ReadonlySet<string>): Readonly<Record<string, readonly string[]>> {
  const matrices = MATRIX_SIDES.map((side) => `matrix-${side}`); // taken where the device has them
  const halves = features.has("shader-f16") ? ["wide-f16", "tiled-f16"] : ["wide-half", "tiled-half"];
  const names = [...matrices, ...halves];
  const kernels = [
    ...[matmul, matmulKeep, matmulPair, matmulResidual],
    ...[matmulToHalves, matmulPairToHalves, matmulByHalves],
  ];
  return Object.fromEntries(kernels.map((kernel) => [kernel.name, names]));
}

/** Sides of the blocks that subgroups multiply as matrices, on devices that have such: halves, summed in f32. */
const MATRIX_SIDES = [16, 8] as const;
const MATRIX_DIRECTIVES = `enable subgroups;
enable ${SUBGROUP_MATRICES.replaceAll("-", "_")};
diagnostic(off, chromium.subgroup_matrix_uniformity);`;

/** Rows and columns of C per workgroup. */
const TILE = 64;

/** Most rows of C for which the form without tiles is used. */
export const FEW_ROWS = 8;

/** Workgroups of the wide form below which it leaves much of a GPU idle. */
const MANY_TILES = 256;

const snippets = [control, threefry, dropout, masks, stream, activation, halves, shared];

/** Sizes to powers of two, and how the operands lie in memory. */
function shapeClass(d: MatmulDims): string {
  const sizes = [d.m, d.n, d.k].map((size) => 2 ** Math.ceil(Math.log2(size)));
  const layouts = [d.transposeA, d.transposeB, d.aHeads, d.bHeads, d.cHeads, d.splits > 1];
  return `${sizes.join("x")}/${layouts.map(Number).join("")}`;
}

/** Whether fours of neighbouring elements of A and B lie in one row and one head, and no four is cut. */
function inFours(d: MatmulDims): boolean {
  const headSize = d.aHeads || d.bHeads ? d.headSize : 4;
  const ofB = d.columnsOf === "b" ? [d.width, d.firstColumn] : [];
  const sizes = [d.transposeA ? d.m : d.k, d.transposeB ? d.k : d.n, headSize, ...ofB];
  return sizes.every((size) => size % 4 === 0);
}

/** What of a product is stored as halves, two to a word along rows (or, of heads layouts, along heads). */
export interface Halves {
  readonly a?: boolean;
  readonly b?: boolean;
  readonly out?: boolean;
}

/** How the wide forms read four neighbours of an operand. */
const fours = {
  a: { f32: foursOfA, half: foursOfAHalf },
  b: { f32: foursOfB, half: foursOfBHalf },
} as const;

function spec(out: "f32" | "i32", epilogue = plainSum, half: Halves = {}) {
  const storageOf = (tensor: keyof Halves): Storage => (half[tensor] ? "half" : "f32");
  const wordOf = (tensor: keyof Halves) => (half[tensor] ? "u32" : "f32");
  const inF32 = !half.a && !half.b && !half.out;
  const form = (source: string, ...first: readonly string[]) => ({
    sources: [...first, `alias Out = ${half.out ? "u32" : out};`, ...snippets, epilogue, source],
    overrides: (d: MatmulDims) => {
      const inHeads = d.aHeads || d.bHeads || d.cHeads;
      return {
        TRANSPOSE_A: Number(d.transposeA),
        TRANSPOSE_B: Number(d.transposeB),
        A_HEADS: Number(d.aHeads),
        B_HEADS: Number(d.bHeads),
        C_HEADS: Number(d.cHeads),
        COLUMNS_OF_B: Number(d.columnsOf === "b"),
        COLUMNS_OF_C: Number(d.columnsOf === "c"),
        HEADS: inHeads ? d.heads : 1,
        HEAD_SIZE: inHeads ? d.headSize : 1,
        STORE: STORES.indexOf(d.store),
        FIXED_POINT: Number(d.fixedPoint),
        ACTIVATION: ACTIVATION_CODES[d.activation],
        GRADIENT: Number(d.gradient),
        BIAS: Number(d.bias),
        DROPOUT: d.dropout,
        OUT_HALF: Number(half.out ?? false),
        PAIR: Number(d.pair),
      };
    },
  });
  /** A form that reads slices of operands as they are stored. */
  const sliced = (source: string, ...first: readonly string[]) => {
    const aliases = `alias A = ${wordOf("a")}; alias B = ${wordOf("b")};`;
    const { sources, overrides } = form(source, ...first, aliases, slices);
    const operands = { A_HALF: Number(half.a ?? false), B_HALF: Number(half.b ?? false) };
    return { sources, overrides: (d: MatmulDims) => ({ ...overrides(d), ...operands }), ...tiles };
  };
  const tiled = (quad: string) => sliced(tiledSource, quad);
  const fits = (d: MatmulDims) => isResidual(d.store) === (out === "i32");
  const many = (d: MatmulDims) => d.m > FEW_ROWS || !inF32;
  const tiles = {
    grid: (d: MatmulDims) => [ceilDiv(d.n, TILE), ceilDiv(d.m, TILE), d.splits] as const,
    supports: fits,
    suits: many,
  };
  const wideGrid = (d: MatmulDims) => [ceilDiv(d.n, TILE), ceilDiv(d.m, 2 * TILE), d.splits] as const;
  const wide = (quad: string) => ({
    ...form(wideSource, quad, fours.a[storageOf("a")], fours.b[storageOf("b")]),
    grid: wideGrid,
    supports: (d: MatmulDims) => fits(d) && many(d) && inFours(d),
    suits: (d: MatmulDims) => wideGrid(d).reduce((all, size) => all * size, 1) >= MANY_TILES,
  });
  const f16 = { requires: { feature: "shader-f16" } } as const;
  // Few rows are not rounded, whoever asks.
  const rounding = { rounds: true, supports: (d: MatmulDims) => fits(d) && many(d) } as const;
  const tiledForms: readonly Variant<MatmulDims>[] = [
    { name: "wide", ...wide(quadF32) },
    { name: "wide-f16", ...wide(quadF16), ...f16, rounds: true },
    { name: "wide-half", ...wide(quadHalf), rounds: true },
    { name: "tiled", ...tiled(quadF32) },
    { name: "tiled-f16", ...tiled(quadF16), ...f16, ...rounding },
    { name: "tiled-half", ...tiled(quadHalf), ...rounding },
    ...MATRIX_SIDES.map((side) => ({
      name: `matrix-${side}`,
      ...sliced(matrixSource, MATRIX_DIRECTIVES, quadF16, `const SIDE = ${side}u;`),
      ...rounding,
      requires: { feature: SUBGROUP_MATRICES, matrixSide: side },
    })),
  ];
  const otherForms: readonly Variant<MatmulDims>[] = [
    {
      name: "rows",
      ...form(rowsSource),
      grid: (d) => [ceilDiv(d.n, 8), ceilDiv(d.m, 4), d.splits],
      supports: (d) => fits(d) && d.m <= FEW_ROWS,
    },
    {
      name: "quads",
      ...form(quadsSource, "enable subgroups;"),
      ...tiles,
      requires: { feature: "subgroups" },
      software: true,
    },
  ];
  return {
    params: {
      m: "u32",
      n: "u32",
      k: "u32",
      splits: "u32",
      length: "u32",
      rowOffset: "u32",
      site: "u32",
      dropoutRate: "f32",
      width: "u32",
      firstColumn: "u32",
    },
    bindings: {
      a: {
        access: "read",
        ...storedAs<MatmulDims>(storageOf("a"), (d) =>
          d.aHeads ? headsShape(d) : d.transposeA ? [d.k, d.m] : [d.m, d.k],
        ),
      },
      b: {
        access: "read",
        ...storedAs<MatmulDims>(storageOf("b"), (d) => {
          if (d.bHeads) return headsShape(d);
          const [rows, columns] = d.transposeB ? [d.n, d.k] : [d.k, d.n];
          return [rows, d.columnsOf === "b" ? d.width : columns];
        }),
      },
      bias: { access: "read", shape: (d) => [d.n], optional: true },
      keep: { access: "read", type: "u32", shape: (d) => [d.batch * d.length, d.n], optional: true },
      control: { access: "read", type: "u32", shape: () => [16], optional: true },
      before: { access: "read", shape: (d) => [d.m, d.n], optional: true },
      out: {
        access: "read_write",
        ...storedAs<MatmulDims>(storageOf("out"), (d) => {
          if (half.out) return halvesOfC(d);
          if (d.cHeads) return headsShape(d);
          return [d.splits, d.m, d.columnsOf === "c" ? d.width : d.n];
        }),
        ...(out === "i32" && { type: out }),
      },
    },
    cost: (d) => ({
      flops: 2 * d.m * d.n * d.k,
      bytes:
        bytesOf(storageOf("a")) * d.m * d.k +
        bytesOf(storageOf("b")) * d.k * d.n +
        bytesOf(storageOf("out")) * d.splits * d.m * d.n * (d.store === "set" && !d.gradient ? 1 : 2),
    }),
    shapeClass,
    // Of halves few forms: the rounding ones, and one that is exact.
    variants: inF32 ? [...otherForms, ...tiledForms] : tiledForms.filter(({ rounds }) => rounds),
    ...(inF32 ? { ...form(matmulSource), ...tiles, software: true } : tiled(quadF32)),
  } satisfies Omit<KernelSpec<MatmulDims>, "name">;
}

const keeping = spec("f32", keepSum);

/** C (+)= act(mask·(A·B + bias)) or a gradient, stored as f32: stores "set" and "add". Specification: shaders/matmul.wgsl. */
export const matmul = defineKernel<MatmulDims>({ name: "matmul", ...spec("f32") });

/** The same with A·B + bias in a second tensor: store "set", of C in rows. */
export const matmulKeep = defineKernel<MatmulDims>({
  name: "matmul:keep",
  ...keeping,
  bindings: { ...keeping.bindings, kept: { access: "write", shape: keptShape } },
});

/** The same into a residual stream (i32): stores "residualAdd" and "residualSub". */
export const matmulResidual = defineKernel<MatmulDims>({ name: "matmul:residual", ...spec("i32") });

/** The same of A stored as halves, into halves: store "set", an even number of columns, no splits. */
export const matmulToHalves = defineKernel<MatmulDims>({
  name: "matmul:to-halves",
  ...spec("f32", plainSum, { a: true, out: true }),
});

/** The same as `matmul`, of B stored as halves. */
export const matmulByHalves = defineKernel<MatmulDims>({
  name: "matmul:by-halves",
  ...spec("f32", plainSum, { b: true }),
});

function pairing(half: Halves): Omit<KernelSpec<MatmulDims>, "name"> {
  const { bindings, ...rest } = spec("f32", pairSum, half);
  const second = storedAs<MatmulDims>(half.out ? "half" : "f32", headsShape);
  return { ...rest, bindings: { ...bindings, second: { access: "write", ...second } } };
}

/** C of two matrices in the heads layout, side by side, into two tensors: store "set". */
export const matmulPair = defineKernel<MatmulDims>({ name: "matmul:pair", ...pairing({}) });

/** The same of A stored as halves, into halves. */
export const matmulPairToHalves = defineKernel<MatmulDims>({
  name: "matmul:pair-to-halves",
  ...pairing({ a: true, out: true }),
});
