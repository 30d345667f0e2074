// Attention over chunks as a whole: all gradients.
import { attentionDelta } from "../kernels/attention-delta.js";
import {
  chunkAttentionDk,
  chunkAttentionDkHalf,
  chunkAttentionDq,
  chunkAttentionDqHalf,
  chunkAttentionDv,
  chunkAttentionDvHalf,
  chunkAttentionGradients,
  chunkAttentionGradientsHalf,
  chunksOwned,
  isJoint,
} from "../kernels/chunk-attention-backward.js";
import { storageOf, type Tensor, view } from "../scheduler/recording.js";
import { formName } from "../scheduler/variants.js";
import { elements } from "../shapes.js";
import {
  type AttentionDims,
  type AttentionInputs,
  type AttentionState,
  checkDims,
  places,
} from "./chunk-attention.js";
import type { LayerContext } from "./context.js";

/** The kernels by how q, k and v are stored. */
const KERNELS = {
  f32: {
    joint: chunkAttentionGradients,
    dq: chunkAttentionDq,
    dk: chunkAttentionDk,
    dv: chunkAttentionDv,
  },
  half: {
    joint: chunkAttentionGradientsHalf,
    dq: chunkAttentionDqHalf,
    dk: chunkAttentionDkHalf,
    dv: chunkAttentionDvHalf,
  },
} as const;

/**
 * Gradients of q, k (of shared keys within dq) and v, for `dOut` and what the forward pass left: in one pass where the
 * kernel for it works, serves these dims, and one binding holds dk and dv, else in three.
 */
export function recordChunkAttentionBackward(
  { recording, slabRows, broken }: Pick<LayerContext, "recording" | "slabRows" | "broken">,
  dims: AttentionDims,
  inputs: AttentionInputs & AttentionState & { readonly dOut: Tensor },
): { readonly dq: Tensor; readonly dk?: Tensor; readonly dv: Tensor } {
  checkDims(dims);
  const { q, k, v, dropoutSource, out, stats, scale, dOut } = inputs;
  const { batch, heads, length, headSize, shared } = dims;
  const shape = [batch, heads, length, headSize];
  const rows = recording.tensor("rows", [batch, heads, length, 4]);
  recording.dispatch(attentionDelta, { batch, heads, length, headSize }, { scale, out, stats, dOut, rows });
  const order = places(recording, dims, inputs);
  const dq = recording.tensor("dq", shape);
  const kernels = KERNELS[storageOf(q)];
  const bothFit = shared || batch * heads * length <= slabRows(2 * headSize);
  const works = kernels.joint.variants.some(({ name }) => !broken?.has(formName(kernels.joint, { name })));
  if (isJoint(dims) && bothFit && works) {
    const keys = k ? view(k, 0, k.shape, { type: "u32" }) : order;
    const dkv = recording.tensor(shared ? "dv" : "dkv", shared ? shape : [2, ...shape]);
    for (let round = 0; round < dims.rounds; round++) {
      recording.dispatch(
        kernels.joint,
        { ...dims, round, accumulate: round > 0, chunksOwned: chunksOwned(dims) },
        { q, keys, v, dropoutSource, dOut, rows, dq, dkv },
      );
    }
    if (shared) return { dq, dv: dkv };
    return { dq, dk: view(dkv, 0, shape), dv: view(dkv, elements(shape), shape) };
  }
  const dk = shared ? dq : recording.tensor("dk", shape);
  const dv = recording.tensor("dv", shape);
  const apart = [
    [kernels.dq, dq, false],
    [kernels.dk, dk, shared],
    [kernels.dv, dv, false],
  ] as const;
  for (const [kernel, gradient, begun] of apart) {
    for (let round = 0; round < dims.rounds; round++) {
      recording.dispatch(
        kernel,
        { ...dims, round, accumulate: begun || round > 0 },
        { q, k, v, order, dropoutSource, dOut, rows, gradient },
      );
    }
  }
  return shared ? { dq, dv } : { dq, dk, dv };
}
