// Matrix products as layers use them: y = x Wᵀ + b, and the two products of its backward pass.
import { type MatmulDims, matmul, matmulDims, matmulResidual, matmulSplits } from "../kernels/matmul.js";
import { columnSums, sumPartials } from "../kernels/reduce.js";
import type { Tensor, TensorArguments } from "../scheduler/recording.js";
import { ceilDiv } from "../shapes.js";
import type { LayerContext } from "./context.js";

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

/** out[m, n] = x[m, k] · weight[n, k]ᵀ (+ bias). */
export function linear(
  context: LayerContext,
  tensors: { x: Tensor; weight: Tensor; bias?: Tensor | undefined; out: Tensor },
  dims: ProductDims,
): void {
  const { x, weight, bias, out } = tensors;
  context.recording.dispatch(
    matmul,
    dimsOf(context, { transposeB: true, bias: bias !== undefined, ...dims }),
    { a: x, b: weight, bias, out },
  );
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

/** dx[m, n] (store) = dOut[m, k] · weight[k, n]: gradient of `linear` to its input. */
export function linearInputGradient(
  context: LayerContext,
  tensors: { dOut: Tensor; weight: Tensor; dx: Tensor },
  dims: ProductDims,
): void {
  context.recording.dispatch(matmul, dimsOf(context, dims), {
    a: tensors.dOut,
    b: tensors.weight,
    out: tensors.dx,
  });
}

/** dWeight[m, n] += dOut[k, m]ᵀ · x[k, n]: gradient of `linear` to its weight, k tokens. */
export function linearWeightGradient(
  context: LayerContext,
  tensors: { dOut: Tensor; x: Tensor; dWeight: Tensor },
  dims: ProductDims,
): void {
  const { recording } = context;
  const { m, n, k, columnsOf, width = n, firstColumn: first = 0, ...rest } = dims;
  const splits = matmulSplits(m, n, k);
  const operands = { a: tensors.dOut, b: tensors.x };
  if (splits === 1) {
    const all = dimsOf(context, { transposeA: true, store: "add", ...dims });
    recording.dispatch(matmul, all, { ...operands, out: tensors.dWeight });
    return;
  }
  const partials = recording.tensor("weight gradient parts", [splits, m, n]);
  recording.dispatch(matmul, dimsOf(context, { transposeA: true, splits, m, n, k, ...rest }), {
    ...operands,
    out: partials,
  });
  const within = columnsOf === "c" ? { columns: n, width, first } : undefined;
  recording.dispatch(
    sumPartials,
    { parts: splits, count: m * n, add: true, ...(within && { within }) },
    { partials, out: tensors.dWeight },
  );
}

/** dBias[columns] += Σ_rows dOut[rows, columns]. */
export function biasGradient(
  context: LayerContext,
  dOut: Tensor,
  dBias: Tensor,
  rows: number,
  columns: number,
): void {
  const { recording } = context;
  const parts = ceilDiv(rows, ROWS_PER_PART);
  const partials = recording.tensor("bias gradient parts", [parts, columns]);
  recording.dispatch(columnSums, { rows, columns, rowsPerPart: ROWS_PER_PART }, { x: dOut, partials });
  recording.dispatch(sumPartials, { parts, count: columns, add: true }, { partials, out: dBias });
}
