// This library.
import { bucketFactors, resolveConfig } from "../../../src/config/config.js";
import { Gpu, requestDevice } from "../../../src/gpu/gpu.js";
import { oneChunk } from "../../../src/kernels/chunk-attention.js";
import { matmul, matmulDims } from "../../../src/kernels/matmul.js";
import { lshAttention, rotationColumns } from "../../../src/kernels.js";
import { recordChunkAttention } from "../../../src/layers/chunk-attention.js";
import { plan } from "../../../src/scheduler/plan.js";
import { profileOf } from "../../../src/scheduler/profile.js";
import { Arena, Recording, type Tensor } from "../../../src/scheduler/recording.js";
import { PreparedPlan } from "../../../src/scheduler/run.js";
import { normals } from "../../support/values.js";
import { BenchModel } from "../model.js";
import { bytesOf } from "./read-buffer.js";
import {
  attentionInputs,
  fullAttentionError,
  lshAttentionError,
  matmulError,
  matmulInputs,
} from "./reference.js";
import type { AttentionWork, Contestant, MatmulWork, Ready, TrainingWork } from "./work.js";

/** Chunks of 64 and one before, as in the public models. */
const CHUNK = 64;
const ATTENTION_ROUNDS = 4;
const TRAINING_ROUNDS = 2;

/** Everything but attention, where two contestants are ours. */
export const ours: Contestant = async (work) => {
  if (work.kind === "matmul") return product(work);
  if (work.kind === "training") return training(work);
  throw new Error('attention is a contest of "ours, LSH" and "ours, full"');
};

/** One recording on given inputs; the error is of its last output. */
async function prepared(
  inputs: ReadonlyMap<Tensor, Float32Array>,
  recording: Recording,
  out: Tensor,
  error: (result: ArrayLike<number>) => number,
): Promise<Ready> {
  const device = await requestDevice();
  const ready = await PreparedPlan.create(
    new Gpu(device),
    plan([recording], profileOf(device), { readbacks: [out.byteLength] }),
  );
  for (const [tensor, values] of inputs) ready.write(tensor, values);
  return {
    run: async () => {
      await ready.run();
      await ready.finish();
    },
    error: async () => error(await ready.read(out)),
  };
}

const stored = (label: string, shape: readonly number[]) => new Arena(label, "state").tensor(label, shape);

function product(work: MatmulWork): Promise<Ready> {
  const { m, k, n } = work;
  const recording = new Recording();
  const [a, b, out] = [stored("a", [m, k]), stored("b", [k, n]), stored("out", [m, n])];
  recording.dispatch(matmul, matmulDims({ m, n, k }), { a, b, out });
  const values = matmulInputs(work);
  const inputs = new Map([
    [a, values.a],
    [b, values.b],
  ]);
  return prepared(inputs, recording, out, (result) => matmulError(work, result));
}

/** Full attention as the layers of this library record it. */
export const full: Contestant = async (work) => {
  const { heads, headSize, length } = work as AttentionWork;
  const shape = [1, heads, length, headSize];
  const recording = new Recording();
  const [q, k, v] = [stored("q", shape), stored("k", shape), stored("v", shape)];
  const rules = { causal: true, shared: false, masked: false, dropout: 0, dropoutRate: 0, site: 0 } as const;
  const out = stored("out", shape);
  recordChunkAttention(
    recording,
    oneChunk({ batch: 1, heads, length, headSize, ...rules }),
    { q, k, v },
    { out },
  );
  const values = attentionInputs(work as AttentionWork);
  const inputs = new Map([
    [q, values.q],
    [k, values.k],
    [v, values.v],
  ]);
  return prepared(inputs, recording, out, (result) => fullAttentionError(work as AttentionWork, result));
};

/** Hash, sort and attend over all rounds, by the public `lshAttention`. */
export const lsh: Contestant = async (work) => {
  const { heads, headSize, length } = work as AttentionWork;
  const device = await requestDevice();
  const config = resolveConfig({
    hiddenSize: heads * headSize,
    numHeads: heads,
    headSize,
    maxLength: length,
  });
  const numBuckets = bucketFactors({ ...config, lshChunkLength: CHUNK }, length).reduce((a, b) => a * b, 1);
  const rounds = ATTENTION_ROUNDS;
  const values = attentionInputs(work as AttentionWork);
  const drawn = new Float32Array(normals(heads * headSize * rounds * rotationColumns([numBuckets]), 4));
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC;
  const buffer = (size: number, contents?: Float32Array<ArrayBuffer>) => {
    const made = device.createBuffer({ size, usage });
    if (contents) device.queue.writeBuffer(made, 0, contents);
    return made;
  };
  const buffers = {
    qk: buffer(values.q.byteLength, values.q),
    v: buffer(values.v.byteLength, values.v),
    rotations: buffer(drawn.byteLength, drawn),
    buckets: buffer(4 * heads * rounds * length),
    out: buffer(values.q.byteLength),
  };
  const attention = await lshAttention(device, buffers, {
    ...{ heads, length, headSize, numBuckets },
    numHashes: rounds,
    chunkLength: CHUNK,
  });
  return {
    run: async () => {
      await attention.run();
      await device.queue.onSubmittedWorkDone();
    },
    error: async () =>
      lshAttentionError(
        work as AttentionWork,
        { rounds, buckets: numBuckets, chunkLength: CHUNK },
        {
          buckets: new Uint32Array(await bytesOf(device, buffers.buckets)),
          rotations: drawn,
          result: new Float32Array(await bytesOf(device, buffers.out)),
        },
      ),
  };
};

/** Local and LSH layers in turn, reversible. What a step computes is held to recorded gradients by `npm run conformance`. */
async function training(work: TrainingWork): Promise<Ready> {
  const { layers, hiddenSize, heads, feedForwardSize, vocabSize, length } = work;
  const model = await BenchModel.create(
    await requestDevice(),
    {
      ...{ hiddenSize, feedForwardSize, vocabSize, numHeads: heads, headSize: hiddenSize / heads },
      layers: Array.from({ length: layers }, (_, i) => (i % 2 === 0 ? "local" : "lsh")),
      localChunkLength: CHUNK,
      lshChunkLength: CHUNK,
      numHashes: TRAINING_ROUNDS,
      maxLength: length,
    },
    { length, tune: true }, // as a user would who wants speed: a second once, and no other choice within a run
  );
  return { run: () => model.step(), error: async () => undefined };
}
