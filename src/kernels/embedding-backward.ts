import source from "../../shaders/embedding-backward.wgsl?raw";
import control from "../../shaders/shared/control.wgsl?raw";
import dropout from "../../shaders/shared/dropout.wgsl?raw";
import threefry from "../../shaders/shared/threefry.wgsl?raw";
import { defineKernel } from "../gpu/kernel.js";
import { ceilDiv } from "../shapes.js";

/** Sizes of a word table's gradient; field meanings as in EmbeddingDims. */
export interface EmbeddingBackwardDims {
  /** Tokens of this slab, at most 256 · 65,535. */
  readonly tokens: number;
  /** First token of this slab, counted through the batch. */
  readonly rowOffset: number;
  readonly size: number;
  readonly vocab: number;
  readonly dropout: 0 | 1 | 2;
  readonly dropoutRate: number;
  readonly site: number;
}

/** Shape of the sums that go from runs to joins: [windows of 256 sorted tokens, 2, size]. */
export const runPartsShape = (d: EmbeddingBackwardDims): readonly number[] => [
  ceilDiv(d.tokens, 256),
  2,
  d.size,
];

const shared = {
  sources: [threefry, control, dropout, source],
  overrides: (d: EmbeddingBackwardDims) => ({ SIZE: d.size, DROPOUT: d.dropout }),
  params: { tokens: "u32", rowOffset: "u32", site: "u32", dropoutRate: "f32" },
  grid: (d: EmbeddingBackwardDims) => [ceilDiv(d.tokens, 256), ceilDiv(d.size, 64), 1] as const,
} as const;

const sorted = {
  ids: { access: "read", type: "u32", shape: (d: EmbeddingBackwardDims) => [d.tokens] },
  order: { access: "read", type: "u32", shape: (d: EmbeddingBackwardDims) => [d.tokens] },
  dWord: { access: "read_write", shape: (d: EmbeddingBackwardDims) => [d.vocab, d.size] },
} as const;

/**
 * Step 1: adds the gradients of words whose tokens lie in one window of `order`, which is `recordBucketSort` of the
 * slab's ids as one segment. Definition: shaders/embedding-backward.wgsl.
 */
export const embeddingBackwardRuns = defineKernel<EmbeddingBackwardDims>({
  ...shared,
  name: "embedding-backward:runs",
  entryPoint: "runs",
  bindings: {
    ...sorted,
    dStream: { access: "read", shape: (d) => [d.tokens, d.size] },
    control: { access: "read", type: "u32", shape: () => [16], optional: true },
    keepWord: { access: "read", type: "u32", shape: (d) => [d.tokens, d.size], optional: true },
    parts: { access: "write", shape: runPartsShape },
  },
  cost: (d) => ({ flops: d.tokens * d.size, bytes: 4 * d.tokens * (d.size + 2) + 8 * d.vocab * d.size }),
});

/** Step 2: adds the gradients of words whose run crosses windows, from the parts step 1 left. */
export const embeddingBackwardJoins = defineKernel<EmbeddingBackwardDims>({
  ...shared,
  name: "embedding-backward:joins",
  entryPoint: "joins",
  bindings: { ...sorted, partsIn: { access: "read", shape: runPartsShape } },
  cost: (d) => ({ flops: ceilDiv(d.tokens, 256) * d.size, bytes: 4 * ceilDiv(d.tokens, 256) * d.size }),
});
