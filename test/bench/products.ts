// Every product of a training step in every exact form that the adapter can run: which one is taken, and how near it is to
// the best of them.
import { resolveConfig } from "../../src/config/config.js";
import { resolveTrainOptions } from "../../src/engine/options.js";
import { Gpu } from "../../src/gpu/gpu.js";
import type { Dims, Kernel } from "../../src/gpu/kernel.js";
import type { MatmulDims } from "../../src/kernels/matmul.js";
import { parameterArena } from "../../src/model/memory.js";
import type { DeviceProfile } from "../../src/scheduler/plan.js";
import { profileOf, withMatrices } from "../../src/scheduler/profile.js";
import { stopwatchOn } from "../../src/scheduler/tune.js";
import { chooseVariant, tuningKey, usableVariants } from "../../src/scheduler/variants.js";
import { planTraining, RUN } from "../../src/train/recordings.js";
import type { ReformerOptions } from "../../src/types.js";
import { inTurns, median, type Row, type RunBench } from "./report.js";

const SIZES = {
  gpu: { hiddenSize: 512, numHeads: 8, headSize: 64, feedForwardSize: 2048, vocabSize: 1024, length: 16_384 },
  software: { hiddenSize: 64, numHeads: 4, headSize: 16, feedForwardSize: 256, vocabSize: 256, length: 1024 },
} as const;
/** Milliseconds that one sample takes at least: clocks and submits are coarse. */
const SAMPLE = 20;
const SAMPLES = 9;

interface Product {
  readonly kernel: Kernel<Dims>;
  readonly dims: Dims & MatmulDims;
  readonly key: string;
  count: number;
}

export const benchProducts: RunBench = async function* ({ device, scale, log }) {
  const { length, ...sizes } = SIZES[scale];
  const options: ReformerOptions = { ...sizes, layers: ["local", "lsh"], maxLength: length };
  const profile = await withMatrices(profileOf(device));
  const gpu = new Gpu(device);
  const rows: Row[] = [];
  try {
    for (const product of productsOf(options, length, profile)) {
      log(product.key);
      rows.push(await timed(gpu, profile, product));
    }
  } finally {
    gpu.dispose();
  }
  const { hiddenSize, numHeads, headSize, feedForwardSize } = sizes;
  yield {
    title: `Products of a training step: local and LSH layer, ${length} tokens, width ${hiddenSize}, ${numHeads} heads of ${headSize}, feed-forward ${feedForwardSize}`,
    rows,
    notes: [
      "Forms: all that compute in f32 and that the adapter can run. Taken: without `tune: true`, which times them on the device.",
      `Over best: the taken form's time over that of the fastest, medians of ${SAMPLES} in turns of at least ${SAMPLE} ms.`,
    ],
  };
};

/** One product of every class that is tuned alike, the most work first. */
function productsOf(options: ReformerOptions, length: number, profile: DeviceProfile): Product[] {
  const config = resolveConfig(options);
  const { shape } = resolveTrainOptions(config, { steps: 1, length });
  const { plan } = planTraining(config, shape, parameterArena(config, "weights", "weights"), profile);
  const found = new Map<string, Product>();
  for (const op of plan.recordings[RUN.batch]?.ops ?? []) {
    const key = op.op === "dispatch" ? tuningKey(op.kernel, op.dims) : undefined;
    if (op.op !== "dispatch" || key === undefined) continue;
    const known = found.get(key);
    if (known) known.count++;
    else found.set(key, { kernel: op.kernel, dims: op.dims as Dims & MatmulDims, key, count: 1 });
  }
  const work = ({ kernel, dims, count }: Product) => kernel.cost(dims).flops * count;
  return [...found.values()].sort((a, b) => work(b) - work(a));
}

async function timed(gpu: Gpu, profile: DeviceProfile, product: Product): Promise<Row> {
  const { kernel, dims, key, count } = product;
  const taken = chooseVariant(kernel, dims, profile).name;
  const exact = usableVariants(kernel, dims, profile).filter(({ rounds = false }) => !rounds);
  const names = [taken, ...exact.map(({ name }) => name).filter((name) => name !== taken)];
  const watch = await stopwatchOn(gpu, profile)({ key, kernel, dims, variants: names });
  try {
    const repeats = new Map<string, number>();
    for (const name of watch.variants) {
      let often = 1;
      while ((await watch.time(name, often)) < SAMPLE) often *= 2;
      repeats.set(name, often);
    }
    const samples = await inTurns(
      watch.variants.map((name) => () => watch.time(name, repeats.get(name) as number)),
      SAMPLES,
    );
    const times = watch.variants.map(
      (name, i) => median(samples[i] as number[]) / (repeats.get(name) as number),
    );
    const best = times.indexOf(Math.min(...times));
    const { m, n, k } = dims;
    return {
      product: `${kernel.name} ${m} x ${k} x ${n}${dims.transposeA ? ", Aᵀ" : ""}${dims.transposeB ? ", Bᵀ" : ""}`,
      "in a step": count,
      forms: watch.variants.length,
      taken,
      ms: times[0] as number,
      "GFLOP/s": kernel.cost(dims).flops / (times[0] as number) / 1e6,
      best: watch.variants[best] as string,
      "over best": (times[0] as number) / (times[best] as number),
    };
  } finally {
    watch.dispose();
  }
}
