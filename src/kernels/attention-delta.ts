import source from "../../shaders/attention-delta.wgsl?raw";
import { defineKernel } from "../gpu/kernel.js";
import { ceilDiv, lineGrid } from "../shapes.js";

export interface AttentionDeltaDims {
  readonly batch: number;
  readonly heads: number;
  readonly length: number;
  /** A multiple of 4. */
  readonly headSize: number;
}

const tokens = (d: AttentionDeltaDims): number => d.batch * d.heads * d.length;
const headsShape = (d: AttentionDeltaDims): number[] => [d.batch, d.heads, d.length, d.headSize];

/** Per token (m, 1/l, dOut·out, key scale), for chunk-attention-backward. See shaders/attention-delta.wgsl. */
export const attentionDelta = defineKernel<AttentionDeltaDims>({
  name: "attention-delta",
  sources: [source],
  overrides: (d) => ({ HEAD_VECS: d.headSize / 4 }),
  supports: (d) => d.headSize % 4 === 0,
  params: { batch: "u32", heads: "u32", length: "u32" },
  bindings: {
    scale: { access: "read", shape: (d) => [d.batch, d.heads, d.length] },
    out: { access: "read", shape: headsShape },
    stats: { access: "read", shape: (d) => [d.batch, d.heads, d.length, 2] },
    dOut: { access: "read", shape: headsShape },
    rows: { access: "write", shape: (d) => [d.batch, d.heads, d.length, 4] },
  },
  grid: (d) => lineGrid(ceilDiv(tokens(d), 64)),
  cost: (d) => ({ flops: tokens(d) * d.headSize * 2, bytes: tokens(d) * 4 * (d.headSize * 2 + 7) }),
});
