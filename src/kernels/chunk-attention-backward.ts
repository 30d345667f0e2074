import aloneSource from "../../shaders/chunk-attention-backward.alone.wgsl?raw";
import jointSource from "../../shaders/chunk-attention-backward.joint.wgsl?raw";
import jointAloneSource from "../../shaders/chunk-attention-backward.joint-alone.wgsl?raw";
import source from "../../shaders/chunk-attention-backward.wgsl?raw";
import pairs from "../../shaders/shared/attention-backward.wgsl?raw";
import jointPairs from "../../shaders/shared/attention-joint.wgsl?raw";
import {
  type Binding,
  bytesOf,
  defineKernel,
  type Kernel,
  type Storage,
  storedAs,
  storedName,
} from "../gpu/kernel.js";
import { ceilDiv, lineGrid } from "../shapes.js";
import {
  attentionForm,
  type ChunkAttentionDims,
  dropoutSourceBinding,
  headsShape,
  headsText,
  loneForm,
  loneRules,
  orderBinding,
  ruleOverrides,
  rules,
  windowLength,
} from "./chunk-attention.js";

export interface ChunkAttentionBackwardDims extends ChunkAttentionDims {
  /** Add to the gradients; else overwrite them. Rounds after the first add; dk of shared keys always adds, to dq. */
  readonly accumulate: boolean;
}

export interface ChunkAttentionGradientsDims extends ChunkAttentionBackwardDims {
  /** Consecutive chunks of the round that have one owner; the last owner's may be fewer. Results are the same for any. */
  readonly chunksOwned: number;
}

const params = {
  batch: "u32",
  length: "u32",
  chunkLength: "u32",
  headSize: "u32",
  round: "u32",
  dropoutRate: "f32",
  site: "u32",
  firstHead: "u32",
  accumulate: "u32",
} as const;

const heads = (storage: Storage): Binding<ChunkAttentionDims> => ({
  access: "read",
  ...storedAs(storage, headsShape),
});
const rowsBinding: Binding<ChunkAttentionDims> = {
  access: "read",
  shape: (d) => [d.batch, d.heads, d.length, 4],
};

function backward(entryPoint: "dq" | "dk" | "dv", storage: Storage): Kernel<ChunkAttentionBackwardDims> {
  const products = entryPoint === "dv" ? 2 : 3;
  return defineKernel<ChunkAttentionBackwardDims>({
    name: storedName(`chunk-attention-backward:${entryPoint}`, storage),
    entryPoint,
    ...attentionForm(...headsText[storage], pairs, source),
    variants: [loneForm(...headsText[storage], pairs, aloneSource)],
    params,
    bindings: {
      q: heads(storage),
      k: { ...heads(storage), optional: true },
      v: heads(storage),
      order: orderBinding,
      dropoutSource: dropoutSourceBinding,
      dOut: heads("f32"),
      rows: rowsBinding,
      gradient: { access: "read_write", shape: headsShape },
    },
    cost: (d) => {
      const rows = d.batch * d.heads * d.length;
      return {
        flops: rows * windowLength(d) * 2 * products * d.headSize,
        bytes:
          rows *
          (d.headSize * (bytesOf(storage) * (2 + Number(!d.shared)) + 4 * (2 + Number(d.accumulate))) + 20),
      };
    },
  });
}

/** Gradient of the queries. Equations, shapes and cost of all three: shaders/chunk-attention-backward.wgsl. */
export const chunkAttentionDq = backward("dq", "f32");
/** Gradient of the keys; of shared keys, their part of the gradient of q. */
export const chunkAttentionDk = backward("dk", "f32");
/** Gradient of the values. */
export const chunkAttentionDv = backward("dv", "f32");
/** The same, in f32, of queries, keys and values stored as halves. */
export const chunkAttentionDqHalf = backward("dq", "half");
export const chunkAttentionDkHalf = backward("dk", "half");
export const chunkAttentionDvHalf = backward("dv", "half");

/** Tokens of the largest chunk with one owner: longer ones leave too few owners to fill an adapter. */
const LONGEST_CHUNK = 128;

/** Whether chunkAttentionGradients serves these dims, where the device's bindings are large enough. */
export function isJoint(d: Omit<ChunkAttentionDims, "round">): boolean {
  const gradient = d.batch * d.heads * d.length * d.headSize;
  return (
    d.chunkLength % 8 === 0 &&
    d.chunkLength <= LONGEST_CHUNK &&
    d.headSize % 4 === 0 &&
    d.headSize <= 256 &&
    d.sorted === d.shared &&
    (d.shared || gradient % 64 === 0) // dv begins at an offset that a binding may have
  );
}

/** Rows of a block: they divide the chunk, and a workgroup has at most 256 invocations. */
function blockRows(d: ChunkAttentionDims): number {
  const most = d.headSize <= 128 ? 32 : 16;
  return [32, 16].find((rows) => rows <= most && d.chunkLength % rows === 0) ?? 8;
}

/** Owners enough to fill an adapter: the largest GPUs have about 130 processors, and each works on several at a time. */
const ENOUGH_OWNERS = 512;
/** Twice as many would save one operation in a hundred. */
const LONGEST_RUN = 8;

/**
 * How many chunks an owner shall have: pairs of chunks of two owners are computed twice, so the more the less work, as long
 * as there are owners enough. A power of two.
 */
export function chunksOwned(d: Omit<ChunkAttentionDims, "round">): number {
  const chunks = d.length / d.chunkLength;
  let run = d.chunksBefore + d.chunksAfter > 0 ? LONGEST_RUN : 1;
  while (run > 1 && d.batch * d.heads * ceilDiv(chunks, run) < ENOUGH_OWNERS) run /= 2;
  return run;
}

/** Owners of the chunks of one head and round. */
const owners = (d: ChunkAttentionGradientsDims) => ceilDiv(d.length / d.chunkLength, d.chunksOwned);

/** Invocations of a workgroup of the form without barriers: few, so that short sequences fill more than one core. */
const LONE_GROUP = 8;

/** Pairs of chunks, of queries that one owner has and keys that another has. */
function pairsAcross(d: ChunkAttentionGradientsDims): number {
  const chunks = d.length / d.chunkLength;
  const ofRun = (run: number) =>
    [d.chunksBefore, d.chunksAfter]
      .flatMap((neighbours) => Array.from({ length: neighbours }, (_, i) => Math.min(i + 1, run)))
      .reduce((sum, pairs) => sum + pairs, 0);
  const last = chunks % d.chunksOwned;
  return ((chunks - last) / d.chunksOwned) * ofRun(d.chunksOwned) + ofRun(last);
}

function joint(storage: Storage): Kernel<ChunkAttentionGradientsDims> {
  return defineKernel<ChunkAttentionGradientsDims>({
    name: storedName("chunk-attention-backward:joint", storage),
    entryPoint: "joint",
    sources: [...rules, ...headsText[storage], pairs, jointPairs, jointSource],
    overrides: (d) => {
      const lines = blockRows(d) / 4;
      const lanes = lines * Math.max(d.headSize / 4, lines);
      return { ...ruleOverrides(d), ROWS: 4 * lines, LANES: lanes };
    },
    grid: (d) => {
      const [x, y] = lineGrid(owners(d));
      return [x, y, d.batch * d.heads];
    },
    supports: isJoint,
    variants: [
      {
        name: "alone",
        software: true,
        sources: [...loneRules, ...headsText[storage], pairs, jointPairs, jointAloneSource],
        overrides: (d) => ({ ...ruleOverrides(d), ROWS: 8, WG: LONE_GROUP }),
        grid: (d) => lineGrid(ceilDiv(d.batch * d.heads * owners(d), LONE_GROUP)),
        supports: isJoint,
      },
    ],
    params: { ...params, chunksOwned: "u32" },
    bindings: {
      q: heads(storage),
      keys: {
        access: "read",
        type: "u32",
        shape: (d) => (d.sorted ? orderBinding.shape(d) : heads(storage).shape(d)),
      },
      v: heads(storage),
      dropoutSource: dropoutSourceBinding,
      dOut: heads("f32"),
      rows: rowsBinding,
      dq: { access: "read_write", shape: headsShape },
      dkv: { access: "read_write", shape: (d) => [d.shared ? 1 : 2, ...headsShape(d)] },
    },
    cost: (d) => {
      const rows = d.batch * d.heads * d.length;
      const pairs = (d.length * windowLength(d)) / d.chunkLength ** 2;
      const read = d.shared ? 2 : 3;
      const gradients = (d.shared ? 2 : 3) + (d.accumulate ? 2 : 0);
      return {
        flops: d.batch * d.heads * d.chunkLength ** 2 * d.headSize * (10 * pairs + 4 * pairsAcross(d)),
        bytes: rows * (d.headSize * (bytesOf(storage) * read + 4 * (1 + gradients)) + 20),
      };
    },
  });
}

/**
 * All gradients in one pass, for dims that it `isJoint` for. With one neighbour chunk it takes 12 matrix products of a
 * chunk by a chunk where the three kernels above take 16, or 10¼ in runs of 8 chunks, and under half their bytes. Software
 * adapters take it by measurement, GPUs by this count: it has not been timed on one.
 * Method, shapes and cost: shaders/chunk-attention-backward.joint.wgsl.
 */
export const chunkAttentionGradients = joint("f32");
/** The same, in f32, of queries, keys and values stored as halves. */
export const chunkAttentionGradientsHalf = joint("half");
