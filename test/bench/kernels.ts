// Every kernel of a training step: time, rate, and the share of what the adapter can do at best.

import { Gpu } from "../../src/gpu/gpu.js";
import { profileOf } from "../../src/scheduler/profile.js";
import type { ProfileRow } from "../../src/scheduler/run.js";
import type { ReformerOptions } from "../../src/types.js";
import { BenchModel } from "./model.js";
import { median, type Row, type RunBench } from "./report.js";
import { measureRoofline, type Roofline } from "./roofline.js";

const SIZES = {
  gpu: {
    config: { hiddenSize: 512, numHeads: 8, headSize: 64, feedForwardSize: 2048, vocabSize: 1024 },
    training: { batchSize: 1, length: 65_536 },
  },
  software: {
    config: { hiddenSize: 128, numHeads: 2, headSize: 64, feedForwardSize: 512, vocabSize: 256 },
    training: { batchSize: 1, length: 1024 },
  },
} as const;
const REPEATS = 5;

export const benchKernels: RunBench = async function* ({ device, scale, log }) {
  const { config, training } = SIZES[scale];
  const options: ReformerOptions = {
    ...config,
    layers: ["local", "lsh"],
    numHashes: 4,
    maxLength: training.length,
  };
  const gpu = new Gpu(device);
  const roofline = await measureRoofline(gpu, profileOf(device), scale);
  gpu.dispose();
  log(`roofline: ${roofline.gigaflops.toFixed(1)} GFLOP/s, ${roofline.gigabytes.toFixed(1)} GB/s`);
  const model = await BenchModel.create(device, options, training);
  try {
    await model.profile();
    const runs: ProfileRow[][] = [];
    for (let i = 0; i < REPEATS; i++) runs.push(await model.profile());
    const { hiddenSize, numHeads, headSize, feedForwardSize } = config;
    yield {
      title: `Kernels of one training step: local and LSH layer, ${training.length} tokens, width ${hiddenSize}, ${numHeads} heads of ${headSize}, feed-forward ${feedForwardSize}, 4 rounds`,
      rows: byKernel(runs, roofline),
      notes: [
        `Best of the adapter in the same run: ${roofline.gigaflops.toFixed(1)} GFLOP/s of multiply-adds in registers, ${roofline.gigabytes.toFixed(1)} GB/s of copies.`,
        "Share of roofline: the least time that arithmetic or memory would need, whichever is longer, over the time taken.",
      ],
    };
  } finally {
    model.dispose();
  }
};

/** Medians over the runs of every dispatch, summed by kernel and form, the longest first. */
function byKernel(runs: readonly ProfileRow[][], { gigaflops, gigabytes }: Roofline): Row[] {
  const sums = new Map<
    string,
    { count: number; time: number; flops: number; bytes: number; least: number }
  >();
  let whole = 0;
  for (const [i, row] of (runs[0] ?? []).entries()) {
    const time = median(runs.map((rows) => rows[i]?.nanoseconds ?? 0));
    const key = row.variant === "plain" ? row.kernel : `${row.kernel} (${row.variant})`;
    const sum = sums.get(key) ?? { count: 0, time: 0, flops: 0, bytes: 0, least: 0 };
    sum.count++;
    sum.time += time;
    sum.flops += row.flops;
    sum.bytes += row.bytes;
    sum.least += Math.max(row.flops / gigaflops, row.bytes / gigabytes);
    sums.set(key, sum);
    whole += time;
  }
  const rowOf = (
    kernel: string,
    { count, time, flops, bytes, least }: NonNullable<ReturnType<typeof sums.get>>,
  ) => ({
    kernel,
    dispatches: count,
    ms: time / 1e6,
    "% of step": (100 * time) / whole,
    "GFLOP/s": flops / time,
    "GB/s": bytes / time,
    "% of roofline": (100 * least) / time,
  });
  const total = [...sums.values()].reduce(
    (a, b) => ({
      count: a.count + b.count,
      time: a.time + b.time,
      flops: a.flops + b.flops,
      bytes: a.bytes + b.bytes,
      least: a.least + b.least,
    }),
    { count: 0, time: 0, flops: 0, bytes: 0, least: 0 },
  );
  return [
    ...[...sums].sort(([, a], [, b]) => b.time - a.time).map(([kernel, sum]) => rowOf(kernel, sum)),
    rowOf("all", total),
  ];
}
