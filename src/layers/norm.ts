// Layer norm of a residual stream, and of the pair of streams before the head.
import type { Storage } from "../gpu/kernel.js";
import {
  type LayerNormDims,
  layerNorm,
  layerNormBackward,
  layerNormHalf,
  layerNormPairBackward,
} from "../kernels/layer-norm.js";
import { sumPartials } from "../kernels/reduce.js";
import { storedTensor, type Tensor } from "../scheduler/recording.js";
import { ceilDiv } from "../shapes.js";
import { type LayerContext, STATUS_SLOTS } from "./context.js";

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

/** dx += gradient through the norm; adds the gradients of scale and shift. */
export function normalizeBackward(
  context: LayerContext,
  name: string,
  tensors: { readonly x: Tensor; readonly dOut: Tensor; readonly dx: Tensor },
  rows: number,
): void {
  const { recording, config, weight } = context;
  const parts = partials(context, name, rows, config.hiddenSize);
  recording.dispatch(layerNormBackward, dimsOf(context, rows, false, 0), {
    ...tensors,
    gamma: weight(`${name}.weight`),
    ...parts.tensors,
  });
  parts.add();
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
  const { recording, config, weight } = context;
  const parts = partials(context, name, rows, 2 * config.hiddenSize);
  recording.dispatch(layerNormPairBackward, dimsOf(context, rows, true, 0), {
    ...tensors,
    gamma: weight(`${name}.weight`),
    ...parts.tensors,
  });
  parts.add();
}

function partials({ recording, gradient }: LayerContext, name: string, rows: number, count: number) {
  const parts = ceilDiv(rows, ROWS_PER_PART);
  const dGammaParts = recording.tensor("dGammaParts", [parts, count]);
  const dBetaParts = recording.tensor("dBetaParts", [parts, count]);
  const add = () => {
    const dims = { parts, count, add: true };
    recording.dispatch(sumPartials, dims, { partials: dGammaParts, out: gradient(`${name}.weight`) });
    recording.dispatch(sumPartials, dims, { partials: dBetaParts, out: gradient(`${name}.bias`) });
  };
  return { tensors: { dGammaParts, dBetaParts }, add };
}
