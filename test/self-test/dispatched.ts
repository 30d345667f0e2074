// Dispatches that the self-test is tried on, and plans of them.
import type { Activation } from "../../src/config/config.js";
import type { Dims, Kernel, Variant } from "../../src/gpu/kernel.js";
import {
  type BucketSortDims,
  bucketSortHistogram,
  bucketSortScan,
  bucketSortScatter,
} from "../../src/kernels/bucket-sort.js";
import {
  type ChunkAttentionDims,
  chunkAttention,
  chunkAttentionHalf,
  oneChunk,
} from "../../src/kernels/chunk-attention.js";
import {
  chunkAttentionDk,
  chunkAttentionDkHalf,
  chunkAttentionDq,
  chunkAttentionDqHalf,
  chunkAttentionDv,
  chunkAttentionDvHalf,
  chunkAttentionGradients,
  chunkAttentionGradientsHalf,
} from "../../src/kernels/chunk-attention-backward.js";
import {
  type LayerNormDims,
  layerNorm,
  layerNormBackward,
  layerNormHalf,
  layerNormPairBackward,
} from "../../src/kernels/layer-norm.js";
import { type LshHashDims, lshHash, lshHashHalf, rotationColumns } from "../../src/kernels/lsh-hash.js";
import {
  matmul,
  matmulByHalves,
  matmulDims,
  matmulKeep,
  matmulPair,
  matmulPairToHalves,
  matmulResidual,
  matmulToHalves,
} from "../../src/kernels/matmul.js";
import { type DeviceProfile, type Plan, plan } from "../../src/scheduler/plan.js";
import { Arena, Recording, type Tensor } from "../../src/scheduler/recording.js";

export type Dispatched = readonly [kernel: Kernel<Dims>, dims: Dims];

const of = <D extends Dims>(kernel: Kernel<D>, dims: NoInfer<D>): Dispatched => [
  kernel as unknown as Kernel<Dims>,
  dims,
];

const LSH: ChunkAttentionDims = {
  ...oneChunk({
    batch: 3,
    heads: 2,
    length: 64,
    headSize: 8,
    causal: true,
    shared: true,
    masked: true,
    dropout: 1,
    dropoutRate: 0.1,
    site: 1,
  }),
  rounds: 2,
  chunkLength: 16,
  chunksBefore: 1,
  sorted: true,
};
const LOCAL: ChunkAttentionDims = {
  ...LSH,
  shared: false,
  sorted: false,
  rounds: 1,
  masked: false,
  dropout: 0,
};
const NORM: LayerNormDims = {
  rows: 64,
  size: 24,
  pair: false,
  eps: 1e-12,
  fixedPoint: true,
  slot: 5,
  rowsPerPart: 4,
};
const accumulate = true;

export const PRODUCT = of(matmul, matmulDims({ m: 128, n: 64, k: 64, transposeB: true, bias: true }));
export const WEIGHTS = of(matmul, matmulDims({ m: 128, n: 64, k: 64, transposeA: true, store: "add" }));
export const FEW = of(matmul, matmulDims({ m: 1, n: 64, k: 64, transposeB: true }));
export const RESIDUAL = of(
  matmulResidual,
  matmulDims({ m: 64, n: 64, k: 64, transposeB: true, store: "residualSub", fixedPoint: true }),
);
export const ATTENTION = of(chunkAttention, LSH);
export const NEARBY = of(chunkAttention, { ...LOCAL, causal: false, chunksAfter: 1 });
export const JOINT = of(chunkAttentionGradients, { ...LSH, accumulate, chunksOwned: 1 });
export const DQ = of(chunkAttentionDq, { ...LOCAL, accumulate });
export const DK = of(chunkAttentionDk, { ...LOCAL, accumulate });
export const DV = of(chunkAttentionDv, { ...LOCAL, accumulate });
export const NORMED = of(layerNorm, { ...NORM, pair: true });
export const NORM_BACK = of(layerNormBackward, NORM);
export const PAIR_BACK = of(layerNormPairBackward, { ...NORM, pair: true });

/** Projections into heads and out of them, activations, sums of parts, parts of wider matrices. */
const HEADS = { batch: 2, heads: 4, length: 32, headSize: 8 };
export const PROJECTION = of(
  matmul,
  matmulDims({ m: 64, n: 32, k: 64, transposeB: true, cHeads: true, ...HEADS }),
);
/** Of queries and values at once. */
const PAIR = { m: 64, n: 64, k: 64, transposeB: true, cHeads: true, pair: true, ...HEADS };
export const PAIR_OF_PROJECTIONS = of(matmulPair, matmulDims(PAIR));
export const PAIR_TO_HALVES = of(matmulPairToHalves, matmulDims(PAIR));
export const PROJECTION_BACK = of(
  matmul,
  matmulDims({ m: 64, n: 64, k: 32, aHeads: true, store: "add", ...HEADS }),
);
export const PROJECTION_WEIGHTS = of(
  matmul,
  matmulDims({ m: 32, n: 64, k: 64, transposeA: true, aHeads: true, splits: 2, ...HEADS }),
);
const groupOf = (columnsOf: "b" | "c") => ({ columnsOf, width: 64, firstColumn: 32, ...HEADS });
export const GROUP = of(
  matmulResidual,
  matmulDims({
    ...{ m: 64, n: 64, k: 32, transposeB: true, aHeads: true, store: "residualAdd", fixedPoint: true },
    ...groupOf("b"),
  }),
);
export const GROUP_WEIGHTS = of(
  matmul,
  matmulDims({ m: 64, n: 32, k: 64, transposeA: true, bHeads: true, store: "add", ...groupOf("c") }),
);
export const ACTIVATED = of(
  matmul,
  matmulDims({ m: 64, n: 64, k: 64, transposeB: true, bias: true, activation: "gelu" }),
);
export const KEEP = of(
  matmulKeep,
  matmulDims({ m: 64, n: 64, k: 64, transposeB: true, bias: true, activation: "gelu", dropout: 1 }),
);
export const ACTIVATED_BACK = of(
  matmul,
  matmulDims({ m: 64, n: 64, k: 64, activation: "gelu", gradient: true, dropout: 1 }),
);
/** Kept and applied in the forward pass, and the gradient of it. */
export const activatedBy = (activation: Activation): readonly Dispatched[] => [
  of(matmulKeep, matmulDims({ m: 64, n: 64, k: 64, transposeB: true, bias: true, activation })),
  of(matmul, matmulDims({ m: 64, n: 64, k: 64, activation, gradient: true })),
];
export const FEW_RESIDUAL = of(
  matmulResidual,
  matmulDims({ m: 2, n: 64, k: 64, transposeB: true, store: "residualAdd" }),
);
export const FEW_PAIR = of(matmulPair, matmulDims({ ...PAIR, m: 1 }));
export const FEW_PAIR_TO_HALVES = of(matmulPairToHalves, matmulDims({ ...PAIR, m: 1 }));
export const TO_HALVES = of(
  matmulToHalves,
  matmulDims({ m: 64, n: 32, k: 64, transposeB: true, cHeads: true, ...HEADS }),
);
export const BY_HALVES = of(
  matmulByHalves,
  matmulDims({ m: 32, n: 64, k: 64, transposeA: true, aHeads: true, store: "add", ...HEADS }),
);
export const ATTENTION_HALF = of(chunkAttentionHalf, LSH);
export const JOINT_HALF = of(chunkAttentionGradientsHalf, { ...LOCAL, accumulate, chunksOwned: 8 });
export const DQ_HALF = of(chunkAttentionDqHalf, { ...LOCAL, accumulate });
export const DK_HALF = of(chunkAttentionDkHalf, { ...LOCAL, accumulate });
export const DV_HALF = of(chunkAttentionDvHalf, { ...LOCAL, accumulate });
export const NORMED_HALF = of(layerNormHalf, NORM);

const hashing = (factors: readonly number[], probes: 1 | 2 = 1): LshHashDims => ({
  ...{ batch: 1, heads: 3, length: 128, headSize: 20, rounds: 3, masked: true },
  ...{ factors, rotationColumns: rotationColumns(factors), probes },
});
export const HASH = of(lshHash, hashing([4, 36]));
export const HASH_MANY = of(lshHash, hashing([130, 64]));
export const HASH_TWICE = of(lshHash, hashing([4, 36], 2));
export const HASH_HALF = of(lshHashHalf, hashing([4, 36]));

const SORT: BucketSortDims = { segments: 4, length: 64, radix: 256, shift: 8, first: false };
export const HISTOGRAM = of(bucketSortHistogram, SORT);
export const SCAN = of(bucketSortScan, SORT);
const SCANNED = { whole: false, scanned: true };
export const SCATTER = of(bucketSortScatter, { ...SORT, radix: 16, shift: 0, first: true, ...SCANNED });
export const SCATTER_COUNTS = of(bucketSortScatter, { ...SORT, whole: false, scanned: false });
export const WHOLE = of(bucketSortScatter, { ...SORT, whole: true, scanned: false });

export const ALL: readonly Dispatched[] = [
  PRODUCT,
  WEIGHTS,
  FEW,
  RESIDUAL,
  ATTENTION,
  NEARBY,
  JOINT,
  DQ,
  DK,
  DV,
  NORMED,
  NORM_BACK,
  PAIR_BACK,
  PROJECTION,
  PAIR_OF_PROJECTIONS,
  PAIR_TO_HALVES,
  PROJECTION_BACK,
  PROJECTION_WEIGHTS,
  GROUP,
  GROUP_WEIGHTS,
  ACTIVATED,
  KEEP,
  ACTIVATED_BACK,
  FEW_RESIDUAL,
  FEW_PAIR,
  FEW_PAIR_TO_HALVES,
  TO_HALVES,
  BY_HALVES,
  ATTENTION_HALF,
  JOINT_HALF,
  DQ_HALF,
  DK_HALF,
  DV_HALF,
  NORMED_HALF,
  HASH,
  HASH_MANY,
  HASH_TWICE,
  HASH_HALF,
  HISTOGRAM,
  SCAN,
  SCATTER,
  SCATTER_COUNTS,
  WHOLE,
];

/** A plan of one dispatch of each. */
export const planning = (dispatched: readonly Dispatched[]) => (profile: DeviceProfile) => {
  const recording = new Recording();
  for (const [kernel, dims] of dispatched) {
    const arenas = { read: new Arena("read", "state"), write: new Arena("written", "state") };
    const tensors: Record<string, Tensor> = {};
    for (const [name, { access, shape, type = "f32" }] of Object.entries(kernel.bindings)) {
      tensors[name] = arenas[access === "read" ? "read" : "write"].tensor(name, shape(dims), type);
    }
    recording.dispatch(kernel as unknown as Kernel<object>, dims, tensors);
  }
  return { plan: plan([recording], profile) };
};

export const formsOf = ({ recordings }: Plan) =>
  recordings.flatMap(({ dispatches }) => [...dispatches.values()].map(({ variant }) => variant.name));

/** The kernel with another text in the form that a plan takes. */
export function mutated([kernel, dims]: Dispatched, profile: DeviceProfile, text: string, wrong: string) {
  const [chosen] = formsOf(planning([[kernel, dims]])(profile).plan);
  const variants = kernel.variants.map((variant): Variant<Dims> => {
    if (variant.name !== chosen) return variant;
    const source = variant.sources.find((each) => each.includes(text));
    if (!source) throw new Error(`${kernel.name}/${chosen} has no "${text}"`);
    return {
      ...variant,
      sources: variant.sources.map((each) => (each === source ? each.replace(text, wrong) : each)),
    };
  });
  return { chosen, kernel: { ...kernel, variants } as unknown as Kernel<Dims> };
}
