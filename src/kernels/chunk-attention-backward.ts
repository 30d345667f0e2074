import aloneSource from "../../shaders/chunk-attention-backward.alone.wgsl?raw";
import source from "../../shaders/chunk-attention-backward.wgsl?raw";
import pairs from "../../shaders/shared/attention-backward.wgsl?raw";
import { defineKernel, type Kernel } from "../gpu/kernel.js";
import {
  attentionForm,
  type ChunkAttentionDims,
  dropoutSourceBinding,
  headsShape,
  loneForm,
  orderBinding,
  windowLength,
} from "./chunk-attention.js";

export interface ChunkAttentionBackwardDims extends ChunkAttentionDims {
  /** Add to `gradient`; else overwrite it. Rounds after the first add; dk of shared keys always adds, to dq. */
  readonly accumulate: boolean;
}

function backward(entryPoint: "dq" | "dk" | "dv"): Kernel<ChunkAttentionBackwardDims> {
  const products = entryPoint === "dv" ? 2 : 3;
  return defineKernel<ChunkAttentionBackwardDims>({
    name: `chunk-attention-backward:${entryPoint}`,
    entryPoint,
    ...attentionForm(pairs, source),
    variants: [loneForm(pairs, aloneSource)],
    params: {
      batch: "u32",
      length: "u32",
      chunkLength: "u32",
      headSize: "u32",
      round: "u32",
      dropoutRate: "f32",
      site: "u32",
      accumulate: "u32",
    },
    bindings: {
      q: { access: "read", shape: headsShape },
      k: { access: "read", shape: headsShape, optional: true },
      v: { access: "read", shape: headsShape },
      order: orderBinding,
      dropoutSource: dropoutSourceBinding,
      dOut: { access: "read", shape: headsShape },
      rows: { access: "read", shape: (d) => [d.batch, d.heads, d.length, 4] },
      gradient: { access: "read_write", shape: headsShape },
    },
    cost: (d) => {
      const rows = d.batch * d.heads * d.length;
      return {
        flops: rows * windowLength(d) * 2 * products * d.headSize,
        bytes: rows * 4 * (d.headSize * (4 + Number(!d.shared) + Number(d.accumulate)) + 5),
      };
    },
  });
}

/** Gradient of the queries. Equations, shapes and cost of all three: shaders/chunk-attention-backward.wgsl. */
export const chunkAttentionDq = backward("dq");
/** Gradient of the keys; of shared keys, their part of the gradient of q. */
export const chunkAttentionDk = backward("dk");
/** Gradient of the values. */
export const chunkAttentionDv = backward("dv");
