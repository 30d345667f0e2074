// Tiny cases of the kernels that come in several forms. A case has the settings that a plan compiles a kernel with, so
// that testing it compiles nothing that is not needed anyway, and small sizes that cross the borders of tiles and chunks.
import type { Dims, Kernel } from "../gpu/kernel.js";
import { bucketSortHistogram, bucketSortScan, bucketSortScatter } from "../kernels/bucket-sort.js";
import { chunkAttention, chunkAttentionHalf } from "../kernels/chunk-attention.js";
import {
  chunkAttentionDk,
  chunkAttentionDkHalf,
  chunkAttentionDq,
  chunkAttentionDqHalf,
  chunkAttentionDv,
  chunkAttentionDvHalf,
  chunkAttentionGradients,
  chunkAttentionGradientsHalf,
} from "../kernels/chunk-attention-backward.js";
import { layerNorm, layerNormBackward, layerNormHalf, layerNormPairBackward } from "../kernels/layer-norm.js";
import { lshHash, lshHashHalf } from "../kernels/lsh-hash.js";
import {
  matmul,
  matmulByHalves,
  matmulKeep,
  matmulPair,
  matmulPairToHalves,
  matmulResidual,
  matmulToHalves,
} from "../kernels/matmul.js";
import { attentionCase, gradientCase, jointCase } from "./attention-case.js";
import type { SelfTestCase } from "./case.js";
import { hashCase } from "./hash-case.js";
import { normCase, normGradientCase } from "./norm-case.js";
import { productCase } from "./product-case.js";
import { histogramCase, scanCase, scatterCase } from "./sort-case.js";

type Maker<D extends Dims> = (dims: D) => SelfTestCase | undefined;

const cases = new Map<string, Maker<never>>();

function add<D extends Dims>({ name }: Kernel<D>, maker: Maker<NoInfer<D>>): void {
  cases.set(name, maker);
}

add(matmul, (d) => productCase(d));
add(matmulKeep, (d) => productCase(d, {}, true));
add(matmulResidual, (d) => productCase(d));
add(matmulPair, (d) => productCase(d));
add(matmulPairToHalves, (d) => productCase(d, { a: true, out: true }));
add(matmulToHalves, (d) => productCase(d, { a: true, out: true }));
add(matmulByHalves, (d) => productCase(d, { b: true }));
add(layerNorm, (d) => normCase(d, "f32"));
add(layerNormHalf, (d) => normCase(d, "half"));
add(layerNormBackward, normGradientCase);
add(layerNormPairBackward, normGradientCase);
add(lshHash, (d) => hashCase(d, "f32"));
add(lshHashHalf, (d) => hashCase(d, "half"));
add(bucketSortHistogram, histogramCase);
add(bucketSortScan, scanCase);
add(bucketSortScatter, scatterCase);
add(chunkAttention, (d) => attentionCase(d, "f32"));
add(chunkAttentionHalf, (d) => attentionCase(d, "half"));
add(chunkAttentionGradients, (d) => jointCase(d, "f32"));
add(chunkAttentionGradientsHalf, (d) => jointCase(d, "half"));
add(chunkAttentionDq, (d) => gradientCase(d, "dq", "f32"));
add(chunkAttentionDqHalf, (d) => gradientCase(d, "dq", "half"));
add(chunkAttentionDk, (d) => gradientCase(d, "dk", "f32"));
add(chunkAttentionDkHalf, (d) => gradientCase(d, "dk", "half"));
add(chunkAttentionDv, (d) => gradientCase(d, "dv", "f32"));
add(chunkAttentionDvHalf, (d) => gradientCase(d, "dv", "half"));

/**
 * A case of a kernel as `dims` compile it, for a form of it. Undefined where there is none: with a given mask, with keys
 * that count once or in their bucket alone, and where the small sizes are none that the form serves.
 */
export function caseOf(
  { name }: Pick<Kernel<Dims>, "name">,
  { supports = () => true }: Pick<Kernel<Dims>["variants"][number], "supports">,
  dims: Dims,
): SelfTestCase | undefined {
  const found = cases.get(name)?.(dims as never);
  return found?.dims.every(supports) ? found : undefined;
}
