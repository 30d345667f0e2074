// Matrix products as layers use them: y = x Wᵀ + b, and the two products of its backward pass.
import {
  type MatmulDims,
  matmul,
  matmulByHalves,
  matmulDims,
  matmulKeep,
  matmulPair,
  matmulPairToHalves,
  matmulResidual,
  matmulSplits,
  matmulToHalves,
} from "../kernels/matmul.js";
import { columnSums } from "../kernels/reduce.js";
import { storageOf, type Tensor, type TensorArguments } from "../scheduler/recording.js";
import { ceilDiv } from "../shapes.js";
import type { LayerContext } from "./context.js";
import { type GradientSums, gradientSums, type PartialGradient } from "./gradient-sums.js";

/** Rows of one partial column sum. */
const ROWS_PER_PART = 256;

/** Sizes of a product; heads layouts and dropout masks get the model's. */
type ProductDims = Pick<MatmulDims, "m" | "n" | "k"> & Partial<MatmulDims>;

function dimsOf({ config, batch, length, fixedPoint }: LayerContext, dims: ProductDims): MatmulDims {
  return matmulDims({
    batch,
    length,
    heads: config.numHeads,
    headSize: config.headSize,
    fixedPoint,
    ...dims,
  });
}

/**
 * out[m, n] = act(mask · (x[m, k] · weight[n, k]ᵀ (+ bias))), by default without mask and activation; `kept` is the sum alone.
 * With x stored as halves, out is, too, and there is no `kept`. With `second`, out and second are the heads of two halves
 * of the columns.
 */
export function linear(
  context: LayerContext,
  tensors: {
    x: Tensor;
    weight: Tensor;
    bias?: Tensor | undefined;
    out: Tensor;
    kept?: Tensor | undefined;
    second?: Tensor | undefined;
  } & TensorArguments,
  dims: ProductDims,
): void {
  const { x, weight, bias, control, keep, out, kept, second } = tensors;
  const pair = second !== undefined;
  const complete = dimsOf(context, { transposeB: true, bias: bias !== undefined, pair, ...dims });
  const bound = { a: x, b: weight, bias, control, keep, out };
  const halves = storageOf(x) === "half";
  const kernel = halves ? matmulToHalves : matmul;
  const ofPair = halves ? matmulPairToHalves : matmulPair;
  if (second) context.recording.dispatch(ofPair, complete, { ...bound, second });
  else if (kept) context.recording.dispatch(matmulKeep, complete, { ...bound, kept });
  else context.recording.dispatch(kernel, complete, bound);
}

/** stream ± dropout(x · weightᵀ + bias). */
export function linearResidual(
  context: LayerContext,
  tensors: { x: Tensor; weight: Tensor; bias?: Tensor | undefined; stream: Tensor } & TensorArguments,
  dims: Pick<MatmulDims, "m" | "n" | "k" | "store"> & Partial<MatmulDims>,
): void {
  const { x, weight, bias, stream, control, keep } = tensors;
  context.recording.dispatch(
    matmulResidual,
    dimsOf(context, { transposeB: true, bias: bias !== undefined, ...dims }),
    { a: x, b: weight, bias, control, keep, out: stream },
  );
}

/** dx[m, n] (store) = dOut[m, k] · weight[k, n]: gradient of `linear` to its input, and through an activation before it. */
export function linearInputGradient(
  context: LayerContext,
  tensors: { dOut: Tensor; weight: Tensor; dx: Tensor } & TensorArguments,
  dims: ProductDims,
): void {
  const { dOut, weight, before, control, keep, dx } = tensors;
  const bound = { a: dOut, b: weight, before, control, keep, out: dx };
  context.recording.dispatch(matmul, dimsOf(context, dims), bound);
}

/** The gradient of a weight [m, n], or of columns of a wider one, as a sum over k tokens, for `gradientSums`. */
export function weightParts(
  dWeight: Tensor,
  { m, n, k, columnsOf, width = n, firstColumn: first = 0 }: ProductDims,
): PartialGradient {
  const splits = matmulSplits(m, n, k);
  const within = columnsOf === "c" ? { columns: n, width, first } : undefined;
  return { gradient: dWeight, parts: splits === 1 ? 0 : splits, count: m * n, ...(within && { within }) };
}

/**
 * dWeight[m, n] += dOut[k, m]ᵀ · x[k, n]: gradient of `linear` to its weight, k tokens; in `sums` where they are given.
 * x may be stored as halves.
 */
export function linearWeightGradient(
  context: LayerContext,
  tensors: { dOut: Tensor; x: Tensor; dWeight: Tensor },
  dims: ProductDims,
  sums?: GradientSums,
): void {
  const { recording } = context;
  const { dOut, x, dWeight } = tensors;
  const own = weightParts(dWeight, dims);
  const all = own.parts > 0 ? (sums ?? gradientSums(recording, [own])) : undefined;
  // Parts are matrices of their own: it is their sum that stands in columns of a wider one.
  const how = all ? { splits: own.parts, columnsOf: "none" as const } : { store: "add" as const };
  const out = all ? all.partsOf(dWeight) : dWeight;
  const kernel = storageOf(x) === "half" ? matmulByHalves : matmul;
  recording.dispatch(kernel, dimsOf(context, { transposeA: true, ...dims, ...how }), { a: dOut, b: x, out });
  if (!sums) all?.add();
}

/** Tensors of `denseGradients`: of the bias [m], of the weight [m, n]. */
interface DenseGradients {
  readonly dWeight: Tensor;
  readonly dBias: Tensor;
}

/** Both gradients of a dense layer as sums over k tokens, for `gradientSums`. */
export function denseParts(
  { dWeight, dBias }: DenseGradients,
  sizes: Pick<MatmulDims, "m" | "n" | "k">,
): PartialGradient[] {
  return [
    weightParts(dWeight, sizes),
    { gradient: dBias, parts: ceilDiv(sizes.k, ROWS_PER_PART), count: sizes.m },
  ];
}

/** dWeight[m, n] += dOut[k, m]ᵀ · x[k, n] and dBias[m] += Σ_k dOut[k, m]; in `sums` where they are given. */
export function denseGradients(
  context: LayerContext,
  tensors: DenseGradients & { readonly dOut: Tensor; readonly x: Tensor },
  sizes: Pick<MatmulDims, "m" | "n" | "k">,
  sums?: GradientSums,
): void {
  const { recording } = context;
  const { dOut, dBias } = tensors;
  const { m: columns, k: rows } = sizes;
  const all = sums ?? gradientSums(recording, denseParts(tensors, sizes));
  const dims = { rows, columns, rowsPerPart: ROWS_PER_PART };
  recording.dispatch(columnSums, dims, { x: dOut, partials: all.partsOf(dBias) });
  linearWeightGradient(context, tensors, sizes, all);
  if (!sums) all.add();
}
