// Layer norm of a residual stream, and of the pair of streams before the head.
import type { Storage } from "../gpu/kernel.js";
import {
  type LayerNormDims,
  layerNorm,
  layerNormBackward,
  layerNormHalf,
  layerNormPairBackward,
} from "../kernels/layer-norm.js";
import { storedTensor, type Tensor } from "../scheduler/recording.js";
import { ceilDiv, elements } from "../shapes.js";
import { type LayerContext, STATUS_SLOTS } from "./context.js";
import { type GradientSums, gradientSums, type PartialGradient } from "./gradient-sums.js";

/** Rows of one partial sum of the scale's and shift's gradients. */
const ROWS_PER_PART = 64;

function dimsOf(
  { config, fixedPoint }: LayerContext,
  rows: number,
  pair: boolean,
  slot: number,
): LayerNormDims {
  const { hiddenSize: size, layerNormEps: eps } = config;
  return {
    rows,
    size,
    pair,
    eps,
    fixedPoint,
    slot: Math.min(slot, STATUS_SLOTS - 1),
    rowsPerPart: ROWS_PER_PART,
  };
}

/** LayerNorm(x) of `rows` rows: f32 [rows, hiddenSize], or u32 [rows, hiddenSize / 2] of halves. */
export function normalize(
  context: LayerContext,
  name: string,
  x: Tensor,
  rows: number,
  slot: number,
  storage: Storage = "f32",
): Tensor {
  const { recording, config, weight, status } = context;
  const out = storedTensor(recording, "normed", [rows, config.hiddenSize], storage);
  recording.dispatch(storage === "half" ? layerNormHalf : layerNorm, dimsOf(context, rows, false, slot), {
    x1: x,
    gamma: weight(`${name}.weight`),
    beta: weight(`${name}.bias`),
    out,
    status,
  });
  return out;
}

/** LayerNorm([x1 | x2]): f32 [rows, 2 * hiddenSize]. */
export function normalizePair(
  context: LayerContext,
  name: string,
  x: { readonly x1: Tensor; readonly x2: Tensor },
  rows: number,
  slot: number,
): Tensor {
  const { recording, config, weight, status } = context;
  const out = recording.tensor("normed", [rows, 2 * config.hiddenSize]);
  recording.dispatch(layerNorm, dimsOf(context, rows, true, slot), {
    ...x,
    gamma: weight(`${name}.weight`),
    beta: weight(`${name}.bias`),
    out,
    status,
  });
  return out;
}

/** The gradients of a norm's scale and shift as sums over parts of `rows`, for `gradientSums`. */
export function normParts({ gradient }: LayerContext, name: string, rows: number): PartialGradient[] {
  const parts = ceilDiv(rows, ROWS_PER_PART);
  return [`${name}.weight`, `${name}.bias`].map(gradient).map((parameter) => {
    return { gradient: parameter, parts, count: elements(parameter.shape) };
  });
}

function partsIn({ gradient }: LayerContext, name: string, sums: GradientSums) {
  return {
    dGammaParts: sums.partsOf(gradient(`${name}.weight`)),
    dBetaParts: sums.partsOf(gradient(`${name}.bias`)),
  };
}

/** dx += gradient through the norm; adds the gradients of scale and shift, in `sums` where they are given. */
export function normalizeBackward(
  context: LayerContext,
  name: string,
  tensors: { readonly x: Tensor; readonly dOut: Tensor; readonly dx: Tensor },
  rows: number,
  sums?: GradientSums,
): void {
  const { recording, weight } = context;
  const all = sums ?? gradientSums(recording, normParts(context, name, rows));
  recording.dispatch(layerNormBackward, dimsOf(context, rows, false, 0), {
    ...tensors,
    gamma: weight(`${name}.weight`),
    ...partsIn(context, name, all),
  });
  if (!sums) all.add();
}

/** dx1, dx2 = gradients through the norm of the pair. */
export function normalizePairBackward(
  context: LayerContext,
  name: string,
  tensors: {
    readonly x1: Tensor;
    readonly x2: Tensor;
    readonly dOut: Tensor;
    readonly dx1: Tensor;
    readonly dx2: Tensor;
  },
  rows: number,
): void {
  const { recording, weight } = context;
  const sums = gradientSums(recording, normParts(context, name, rows));
  recording.dispatch(layerNormPairBackward, dimsOf(context, rows, true, 0), {
    ...tensors,
    gamma: weight(`${name}.weight`),
    ...partsIn(context, name, sums),
  });
  sums.add();
}
