// A kernel is data: one table gives the bind-group layout, the shape checks, the uniform packing, the pipeline key and
// the cost model. WGSL side of the contract: `@group(0) @binding(0) var<uniform> params` holds `params` in table order
// (absent when there are none); the bindings follow from 1 in table order.

import { halvesShape } from "../shapes.js";

/** Numbers a dispatch is made with: config sizes (overrides) and input sizes (params). Booleans become 0 or 1. */
export type Dims = object;

export type ScalarType = "f32" | "u32" | "i32";

/** How the numbers of an activation lie in memory: as f32, or as halves, two to a u32. Arithmetic is in f32 either way. */
export type Storage = "f32" | "half";

/** Bytes of a number that is stored so. */
export const bytesOf = (storage: Storage): number => (storage === "half" ? 2 : 4);

/** How a kernel uses one storage binding. */
export interface Binding<D> {
  /** "write" and "read_write" are both `read_write` in WGSL; "write" says the kernel overwrites all of it. */
  readonly access: "read" | "write" | "read_write";
  /** Element type; "f32" unless said. */
  readonly type?: ScalarType;
  readonly shape: (dims: D) => readonly number[];
  /** May be left out of a dispatch; a small zero buffer is bound instead (read-only bindings only). */
  readonly optional?: boolean;
}

/** Type and shape of a binding of numbers of `shape` that are stored so. */
export function storedAs<D>(
  storage: Storage,
  shape: (dims: D) => readonly number[],
): Required<Pick<Binding<D>, "type" | "shape">> {
  if (storage === "f32") return { type: "f32", shape };
  return { type: "u32", shape: (dims) => halvesShape(shape(dims)) };
}

/** Name of the kernel for one way of storing. */
export const storedName = (name: string, storage: Storage): string =>
  storage === "half" ? `${name}:half` : name;

/** Work of one dispatch: arithmetic operations, and bytes that must move through memory at least once. */
export interface Cost {
  readonly flops: number;
  readonly bytes: number;
}

export type Overrides = Readonly<Record<string, number>>;
export type Grid = readonly [x: number, y: number, z: number];

/** Matrices that subgroups multiply: an experiment of Chromium's, on devices that were asked for it. */
export const SUBGROUP_MATRICES = "chromium-experimental-subgroup-matrix" as GPUFeatureName;

/** Another hand-written form of the same kernel: same bindings and params, other tiles. */
export interface Variant<D> {
  readonly name: string;
  /** WGSL texts, concatenated. */
  readonly sources: readonly string[];
  readonly overrides: (dims: D) => Overrides;
  readonly grid: (dims: D) => Grid;
  /** What the device must offer. */
  readonly requires?: {
    readonly feature?: GPUFeatureName;
    readonly workgroupStorage?: number;
    readonly invocations?: number;
    /** Subgroup matrices of halves, summed in f32, of so many rows and columns. */
    readonly matrixSide?: number;
  };
  /** Preferred where the adapter is a CPU: without barriers, or with few. */
  readonly software?: boolean;
  /** Preferred only where subgroups have so many invocations or more. */
  readonly subgroupSize?: number;
  /** Less exact than the others: taken only where it is asked for by name, or where no exact one works. */
  readonly rounds?: boolean;
  /** False where the variant cannot serve these dims. */
  readonly supports?: (dims: D) => boolean;
  /** False where it can, but others are sure to be faster: then it is taken only where it is asked for by name. */
  readonly suits?: (dims: D) => boolean;
}

export interface Kernel<D extends Dims = never> {
  /** The WGSL file's basename, and behind a colon what tells the kernels of one file apart: an entry point, or what is stored how. */
  readonly name: string;
  readonly entryPoint: string;
  /** Uniform scalars, in the order of the WGSL struct; each names a numeric field of the dims. */
  readonly params: Readonly<Record<string, ScalarType>>;
  readonly bindings: Readonly<Record<string, Binding<D>>>;
  readonly cost: (dims: D) => Cost;
  /** Names all dims for which the same variant is fastest; kernels without it are never tuned. */
  readonly shapeClass?: (dims: D) => string;
  /** Preferred first; the last one must work with WebGPU's default limits and no features. */
  readonly variants: readonly [Variant<D>, ...Variant<D>[]];
}

export interface KernelSpec<D extends Dims> extends Omit<Variant<D>, "name"> {
  readonly name: string;
  readonly entryPoint?: string;
  readonly params?: Readonly<Partial<Record<keyof D & string, ScalarType>>>;
  readonly bindings: Readonly<Record<string, Binding<D>>>;
  readonly cost: (dims: D) => Cost;
  readonly shapeClass?: (dims: D) => string;
  /** Alternatives tried before this plain form. */
  readonly variants?: readonly Variant<D>[];
}

/** Completes a kernel table; the only way kernels are made. */
export function defineKernel<D extends Dims>(spec: KernelSpec<D>): Kernel<D> {
  const {
    name,
    entryPoint = "main",
    params = {},
    bindings,
    cost,
    shapeClass,
    variants = [],
    ...plain
  } = spec;
  const all: Variant<D>[] = [...variants, { name: "plain", ...plain }];
  return {
    name,
    entryPoint,
    params: params as Readonly<Record<string, ScalarType>>,
    bindings,
    cost,
    ...(shapeClass && { shapeClass }),
    variants: all as [Variant<D>, ...Variant<D>[]],
  };
}

/** Numeric field of the dims, booleans as 0 or 1. */
export function dimValue(dims: Dims, field: string): number {
  return Number((dims as Record<string, unknown>)[field]);
}
