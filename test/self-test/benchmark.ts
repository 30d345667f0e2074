// Speed of a device: matrix products, LSH attention and training, as medians of samples long enough to be timed.

import { Engine } from "../../src/engine/engine.js";
import { Gpu } from "../../src/gpu/gpu.js";
import { matmul, matmulDims } from "../../src/kernels/matmul.js";
import { lshAttention } from "../../src/kernels.js";
import { plan } from "../../src/scheduler/plan.js";
import { profileOf } from "../../src/scheduler/profile.js";
import { Arena, Recording } from "../../src/scheduler/recording.js";
import { PreparedPlan } from "../../src/scheduler/run.js";
import type { ReformerOptions } from "../../src/types.js";
import { normals } from "../support/values.js";

export interface Measured {
  readonly name: "matmul" | "attention" | "training";
  readonly value: number;
  readonly unit: "GFLOP/s" | "tokens/s";
  /** What was measured. */
  readonly sizes: Readonly<Record<string, number>>;
  /** Milliseconds of each sample, and the runs in it. */
  readonly samples: readonly number[];
  readonly runs: number;
}

/** Sizes for a GPU, and for a software adapter, which takes a second for what a GPU does in milliseconds. */
export type Scale = "gpu" | "software";

/** Milliseconds of a sample at least: a browser's clock is good to 0.1. */
const SAMPLE = 20;
const SAMPLES = 7;
/** A sample may grow tenfold from one guess of its runs to the next. */
const GROWTH = 10;

const middle = (values: readonly number[]) =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] as number;

/** Repeats `run` until a sample is long enough, then takes samples. `finish` waits for the GPU. */
async function sample(
  run: () => Promise<void>,
  finish: () => Promise<unknown>,
): Promise<{ readonly samples: number[]; readonly runs: number; readonly milliseconds: number }> {
  const time = async (runs: number) => {
    const start = performance.now();
    for (let i = 0; i < runs; i++) await run();
    await finish();
    return performance.now() - start;
  };
  await time(1); // first use of the pipelines
  let runs = 1;
  for (let taken = await time(runs); taken < SAMPLE; taken = await time(runs)) {
    runs = Math.ceil(runs * Math.min(GROWTH, (1.2 * SAMPLE) / Math.max(taken, 0.1)));
  }
  const samples: number[] = [];
  while (samples.length < SAMPLES) samples.push(await time(runs));
  return { samples, runs, milliseconds: middle(samples) / runs };
}

/** Square products in f32, several to a submit. */
async function measureMatmul(device: GPUDevice, scale: Scale): Promise<Measured> {
  const [size, products] = scale === "gpu" ? [1024, 16] : [256, 2];
  const gpu = new Gpu(device);
  try {
    const recording = new Recording();
    const tensor = (name: string) => new Arena(name, "state").tensor(name, [size, size]);
    const [a, b, out] = [tensor("a"), tensor("b"), tensor("out")];
    const dims = matmulDims({ m: size, n: size, k: size });
    for (let i = 0; i < products; i++) recording.dispatch(matmul, dims, { a, b, out });
    const prepared = await PreparedPlan.create(gpu, plan([recording], profileOf(device)));
    prepared.write(a, normals(size * size, 1));
    prepared.write(b, normals(size * size, 2));
    const { milliseconds, ...rest } = await sample(
      () => prepared.run(),
      () => prepared.finish(),
    );
    const value = (products * 2 * size ** 3) / milliseconds / 1e6;
    return { name: "matmul", value, unit: "GFLOP/s", sizes: { size, products }, ...rest };
  } finally {
    gpu.dispose();
  }
}

/** The whole of LSH attention, forward: rotations, hash, sort, two rounds. */
async function measureAttention(device: GPUDevice, scale: Scale): Promise<Measured> {
  const [length, heads, headSize] = scale === "gpu" ? [16_384, 8, 64] : [1024, 2, 32];
  const chunkLength = 64;
  const sizes = { length, heads, headSize, numHashes: 2, numBuckets: length / chunkLength, chunkLength };
  const count = heads * length * headSize;
  const buffer = (seed: number) => {
    const made = device.createBuffer({
      size: 4 * count,
      usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST,
    });
    device.queue.writeBuffer(made, 0, normals(count, seed) as Float32Array<ArrayBuffer>);
    return made;
  };
  const buffers = { qk: buffer(1), v: buffer(2), out: buffer(3) };
  try {
    const attention = await lshAttention(device, buffers, sizes);
    try {
      const { milliseconds, ...rest } = await sample(
        () => attention.run(),
        () => attention.done(),
      );
      const value = (1000 * length) / milliseconds;
      return { name: "attention", value, unit: "tokens/s", sizes, ...rest };
    } finally {
      attention.dispose();
    }
  } finally {
    for (const made of Object.values(buffers)) made.destroy();
  }
}

const TRAINED = {
  gpu: {
    hiddenSize: 256,
    numHeads: 4,
    headSize: 64,
    depth: 4,
    chunk: 64,
    length: 2048,
    batchSize: 4,
    warmUp: 8,
  },
  software: {
    hiddenSize: 32,
    numHeads: 2,
    headSize: 16,
    depth: 2,
    chunk: 16,
    length: 128,
    batchSize: 1,
    warmUp: 2,
  },
} as const;

/** Whole training steps of a small model of local and LSH layers, with AdamW. */
async function measureTraining(device: GPUDevice, scale: Scale): Promise<Measured> {
  const { depth, chunk, batchSize, warmUp, ...sizes } = TRAINED[scale];
  const { length } = sizes;
  const config: ReformerOptions = {
    ...{ hiddenSize: sizes.hiddenSize, numHeads: sizes.numHeads, headSize: sizes.headSize },
    layers: Array.from({ length: depth }, (_, i) => (i % 2 === 0 ? "local" : "lsh")),
    feedForwardSize: 4 * sizes.hiddenSize,
    maxLength: length,
    lshChunkLength: chunk,
    localChunkLength: chunk,
  };
  const text = "The ship sails on, the whale goes down; nobody counts the hours. ".repeat(length);
  const model = await Engine.create(config, { device, seed: 0 });
  try {
    // Steps arrive some time after they were submitted, but as fast as they are taken.
    const arrivals: number[] = [];
    let runs = 0;
    const options = { steps: 100_000, length, batchSize, evaluateEvery: 0, checkpointEvery: 0 };
    for await (const _ of model.train(text, options)) {
      arrivals.push(performance.now());
      if (arrivals.length === 2 * warmUp) {
        const each = ((arrivals.at(-1) as number) - (arrivals[warmUp - 1] as number)) / warmUp;
        runs = Math.ceil((1.2 * SAMPLE) / each);
      }
      if (runs > 0 && arrivals.length >= 2 * warmUp + runs * SAMPLES) break;
    }
    const samples = Array.from({ length: SAMPLES }, (_, i) => {
      const from = 2 * warmUp - 1 + i * runs;
      return (arrivals[from + runs] as number) - (arrivals[from] as number);
    });
    const value = (1000 * batchSize * length * runs) / middle(samples);
    return {
      name: "training",
      value,
      unit: "tokens/s",
      sizes: { ...sizes, layers: depth, batchSize },
      samples,
      runs,
    };
  } finally {
    await model.dispose();
  }
}

export const MEASUREMENTS = [
  { name: "matmul", measure: measureMatmul },
  { name: "attention", measure: measureAttention },
  { name: "training", measure: measureTraining },
] as const satisfies readonly {
  readonly name: Measured["name"];
  readonly measure: (device: GPUDevice, scale: Scale) => Promise<Measured>;
}[];
