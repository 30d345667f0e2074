import source from "../../shaders/key-scale.wgsl?raw";
import { defineKernel } from "../gpu/kernel.js";
import { ceilDiv, lineGrid } from "../shapes.js";

export interface KeyScaleDims {
  readonly batch: number;
  readonly heads: number;
  readonly length: number;
  /** A multiple of 4. */
  readonly headSize: number;
  /** Keys are normalised by their root mean square. */
  readonly shared: boolean;
  readonly masked: boolean;
}

const tokens = (d: KeyScaleDims): number => d.batch * d.heads * d.length;

/** What turns each token's vector into an attention key; 0 hides the token. See shaders/key-scale.wgsl. */
export const keyScale = defineKernel<KeyScaleDims>({
  name: "key-scale",
  sources: [source],
  overrides: (d) => ({
    HEADS: d.heads,
    HEAD_VECS: d.headSize / 4,
    SHARED_KEYS: Number(d.shared),
    MASKED: Number(d.masked),
  }),
  supports: (d) => d.headSize % 4 === 0,
  params: { batch: "u32", length: "u32" },
  bindings: {
    k: { access: "read", shape: (d) => [d.batch, d.heads, d.length, d.headSize], optional: true },
    keyMask: { access: "read", type: "u32", shape: (d) => [d.batch, d.length], optional: true },
    scale: { access: "write", shape: (d) => [d.batch, d.heads, d.length] },
  },
  grid: (d) => lineGrid(ceilDiv(tokens(d), 64)),
  cost: (d) => ({
    flops: d.shared ? tokens(d) * d.headSize * 2 : 0,
    bytes: tokens(d) * 4 * (d.shared ? d.headSize + 1 : 1),
  }),
});
