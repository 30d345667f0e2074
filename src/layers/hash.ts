// Buckets of every token in every round, by the family of hashing that the configuration names.
import { bucketFactors, type ReformerConfig } from "../config/config.js";
import {
  type BalanceDims,
  balanceAssign,
  balanceIds,
  balanceProject,
  balanceProjectHalf,
} from "../kernels/balance.js";
import {
  type CentreKeysDims,
  centreKeysScan,
  centreKeysSubtract,
  centreKeysSubtractHalf,
  centreKeysSum,
  centreKeysSumHalf,
  centreTiles,
  centreTotals,
} from "../kernels/centre-keys.js";
import { keyScale, keyScaleHalf } from "../kernels/key-scale.js";
import {
  type LshHashDims,
  lshHash,
  lshHashHadamard,
  lshHashHadamardHalf,
  lshHashHalf,
  rotationColumns,
  rotationRounds,
} from "../kernels/lsh-hash.js";
import { rotationSigns, rotationSignsShape, rotations } from "../kernels/rotations.js";
import { type Recording, storageOf, type Tensor } from "../scheduler/recording.js";
import { recordBucketSort } from "./bucket-sort.js";
import type { LayerContext } from "./context.js";

type Sizes = Pick<ReformerConfig, "hashing" | "numHeads" | "headSize">;

const probesOf = ({ hashing }: Pick<ReformerConfig, "hashing">) => (hashing === "second-probe" ? 2 : 1);

/** What one layer's family draws to hash with: Gaussian numbers, or the bits of sign flips. */
export function drawnShape(
  config: Sizes,
  factors: readonly number[],
  rounds: number,
): { readonly shape: readonly number[]; readonly type: "f32" | "u32" } {
  const { hashing, numHeads: heads, headSize } = config;
  const columns = rotationColumns(factors);
  if (hashing === "hadamard") {
    return { shape: rotationSignsShape({ heads, headSize, rounds, columns }), type: "u32" };
  }
  const each = hashing === "balanced" ? factors.length : columns; // one direction cuts into any number of buckets
  return { shape: [heads, headSize, rotationRounds(rounds, probesOf(config)), each], type: "f32" };
}

/** Draws into `to` (of `drawnShape`), from the seed and draw in the control words. */
export function recordDraw(
  recording: Recording,
  config: Sizes,
  sizes: { readonly factors: readonly number[]; readonly rounds: number; readonly layer: number },
  control: Tensor,
  to: Tensor,
): void {
  const { numHeads: heads, headSize } = config;
  const { factors, rounds, layer } = sizes;
  if (config.hashing === "hadamard") {
    const dims = { heads, headSize, rounds, columns: rotationColumns(factors), layer };
    recording.dispatch(rotationSigns, dims, { control, signs: to });
    return;
  }
  const [, , drawn = 0, columns = 0] = to.shape;
  recording.dispatch(
    rotations,
    { heads, headSize, rounds: drawn, columns, layer },
    { control, rotations: to },
  );
}

/** What a layer hashes with, of `drawnShape`, drawn anew. */
export function drawRotations(context: LayerContext, layer: number, rounds: number): Tensor {
  const { recording, config, length, hashControl } = context;
  const factors = bucketFactors(config, length);
  const { shape, type } = drawnShape(config, factors, rounds);
  const drawn = recording.tensor("rotations", shape, type);
  recordDraw(recording, config, { factors, rounds, layer }, hashControl, drawn);
  return drawn;
}

/** The kernels by how vectors are stored. What is stored is hashed, so a recomputed query gets the same buckets. */
const KERNELS = {
  f32: {
    scale: keyScale,
    gaussian: lshHash,
    hadamard: lshHashHadamard,
    sum: centreKeysSum,
    subtract: centreKeysSubtract,
    project: balanceProject,
  },
  half: {
    scale: keyScaleHalf,
    gaussian: lshHashHalf,
    hadamard: lshHashHadamardHalf,
    sum: centreKeysSumHalf,
    subtract: centreKeysSubtractHalf,
    project: balanceProjectHalf,
  },
} as const;

export interface Hashed {
  /** Bucket of every token, u32 [batch, heads, rounds, length]. */
  readonly ids: Tensor;
  /** [batch, heads, length]: of each token as a key, where hashing found it on its way. */
  readonly scale?: Tensor;
}

/** Buckets that are given, or hashed with what was given or is drawn. */
export function hash(context: LayerContext, layer: number, rounds: number, query: Tensor): Hashed {
  const { config, given } = context;
  const ids = given.buckets?.get(layer);
  if (ids) return { ids };
  const drawn = given.rotations?.get(layer) ?? drawRotations(context, layer, rounds);
  if (config.hashing === "balanced") return { ids: balanced(context, rounds, query, drawn) };
  if (config.hashing !== "centred") return project(context, rounds, query, drawn);
  const { keys, scale } = centred(context, layer, query);
  return { ids: project(context, rounds, keys, drawn).ids, scale };
}

/** The largest coordinates of rotated vectors. */
function project(context: LayerContext, rounds: number, qk: Tensor, drawn: Tensor): Required<Hashed> {
  const { recording, config, batch, length, keyMask } = context;
  const { numHeads: heads, headSize } = config;
  const factors = bucketFactors(config, length);
  const dims: LshHashDims = {
    ...{ batch, heads, length, headSize, rounds, factors, rotationColumns: rotationColumns(factors) },
    masked: keyMask !== undefined,
    probes: probesOf(config),
  };
  const ids = recording.tensor("buckets", [batch, heads, rounds, length], "u32");
  const scale = recording.tensor("scale", [batch, heads, length]);
  const kernels = KERNELS[storageOf(qk)];
  if (config.hashing === "hadamard") {
    recording.dispatch(kernels.hadamard, dims, { qk, signs: drawn, keyMask, buckets: ids, scale });
  } else {
    recording.dispatch(kernels.gaussian, dims, { qk, rotations: drawn, keyMask, buckets: ids, scale });
  }
  return { ids, scale };
}

/** Unit keys minus their mean; a generation goes on from the sums of the tokens before. */
function centred(
  context: LayerContext,
  layer: number,
  qk: Tensor,
): { readonly keys: Tensor; readonly scale: Tensor } {
  const { recording, config, batch, length, keyMask } = context;
  const { numHeads: heads, headSize, causal } = config;
  const masked = keyMask !== undefined;
  const dims: CentreKeysDims = { batch, heads, length, headSize, causal, masked };
  const scale = recording.tensor("scale", [batch, heads, length]);
  const kernels = KERNELS[storageOf(qk)];
  recording.dispatch(kernels.scale, { ...dims, shared: true }, { k: qk, keyMask, scale });
  const tiles = recording.tensor("tiles", centreTiles(dims));
  recording.dispatch(kernels.sum, dims, { qk, scale, keyMask, tiles });
  let totals = context.keySums?.get(layer);
  if (!totals) {
    totals = recording.tensor("totals", centreTotals(dims));
    recording.clear(totals);
  }
  recording.dispatch(centreKeysScan, dims, { sums: tiles, totals });
  const keys = recording.tensor("centred", [batch, heads, length, headSize]);
  recording.dispatch(kernels.subtract, dims, { qk, scale, keyMask, means: tiles, centred: keys });
  return { keys, scale };
}

/** Ranks along random directions: one level of cells for every factor. */
function balanced(context: LayerContext, rounds: number, qk: Tensor, directions: Tensor): Tensor {
  const { recording, config, batch, length, keyMask } = context;
  const { numHeads: heads, headSize } = config;
  const factors = bucketFactors(config, length);
  const shape = [batch, heads, rounds, length];
  let cellsIn: Tensor | undefined;
  let cells = 1;
  for (const [level, factor] of factors.entries()) {
    const dims: BalanceDims = {
      ...{ batch, heads, length, headSize, rounds, levels: factors.length, level, cells, factor },
      masked: keyMask !== undefined,
    };
    const ids = recording.tensor("ids", shape, "u32");
    recording.dispatch(KERNELS[storageOf(qk)].project, dims, { qk, directions, cellsIn, keyMask, ids });
    const sizes = { segments: batch * heads * rounds, length, buckets: balanceIds(dims) };
    const order = recordBucketSort(recording, sizes, ids);
    const next = recording.tensor("cells", shape, "u32");
    recording.dispatch(balanceAssign, dims, { sortedIds: ids, order, cells: next });
    cellsIn = next;
    cells *= factor;
  }
  return cellsIn as Tensor;
}
