import source from "../../shaders/key-scale.wgsl?raw";
import keyScaleText from "../../shaders/shared/key-scale.wgsl?raw";
import { bytesOf, defineKernel, type Kernel, type Storage, storedAs, storedName } from "../gpu/kernel.js";
import { ceilDiv, lineGrid } from "../shapes.js";
import { headsText } from "./chunk-attention.js";

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

function scaleOf(storage: Storage): Kernel<KeyScaleDims> {
  return defineKernel<KeyScaleDims>({
    name: storedName("key-scale", storage),
    sources: [...headsText[storage], keyScaleText, source],
    overrides: (d) => ({
      HEADS: d.heads,
      HEAD_VECS: d.headSize / 4,
      SHARED_KEYS: Number(d.shared),
      MASKED: Number(d.masked),
    }),
    supports: (d) => d.headSize % 4 === 0,
    params: { batch: "u32", length: "u32" },
    bindings: {
      k: {
        access: "read",
        ...storedAs<KeyScaleDims>(storage, (d) => [d.batch, d.heads, d.length, d.headSize]),
        optional: true,
      },
      keyMask: { access: "read", type: "u32", shape: (d) => [d.batch, d.length], optional: true },
      scale: { access: "write", shape: (d) => [d.batch, d.heads, d.length] },
    },
    grid: (d) => lineGrid(ceilDiv(tokens(d), 64)),
    cost: (d) => ({
      flops: d.shared ? tokens(d) * d.headSize * 2 : 0,
      bytes: tokens(d) * (4 + (d.shared ? bytesOf(storage) * d.headSize : 0)),
    }),
  });
}

/** What turns each token's vector into an attention key; 0 hides the token. See shaders/key-scale.wgsl. */
export const keyScale = scaleOf("f32");
/** The same of vectors stored as halves. */
export const keyScaleHalf = scaleOf("half");
