// A small sequence-to-sequence model on the real path, and one batch of pairs.
import { pairLengths, type ReformerOptions, resolveConfig, startToken } from "../../src/config/config.js";
import { planWeights } from "../../src/engine/device.js";
import { resolveTrainOptions } from "../../src/engine/options.js";
import { Gpu } from "../../src/gpu/gpu.js";
import { packControl } from "../../src/model/control.js";
import { parameterArena } from "../../src/model/memory.js";
import { initialValues, parameters } from "../../src/model/parameters.js";
import { Random } from "../../src/random.js";
import { profileOf } from "../../src/scheduler/profile.js";
import { Arena, type Tensor } from "../../src/scheduler/recording.js";
import { PreparedPlan } from "../../src/scheduler/run.js";
import type { Batch } from "../../src/text/dataset.js";
import { writeBatch } from "../../src/train/evaluation.js";
import { planTraining, RUN } from "../../src/train/recordings.js";
import { RESULT } from "../../src/train/results.js";
import { Trainer } from "../../src/train/trainer.js";
import type { TrainOptions } from "../../src/types.js";
import { getDevice } from "../support/device.js";
import type { Pairs } from "./reference.js";

/** Weights of this size make logits of several units. */
export const SMALL_PAIR: ReformerOptions = {
  head: "sequence-to-sequence",
  vocabSize: 12,
  eosTokenId: 11,
  hiddenSize: 16,
  numHeads: 2,
  headSize: 8,
  feedForwardSize: 24,
  encoderLayers: ["local", "lsh"],
  layers: ["full", "lsh"],
  lshChunkLength: 8,
  localChunkLength: 8,
  localChunksAfter: 1,
  lshChunksAfter: 1,
  numHashes: 2,
  numBuckets: 4,
  maxLength: 32,
  initializerRange: 0.3,
  axialInitStd: 0.5,
};

/** Sources and targets of different lengths. */
export const PAIRS: Pairs = {
  sources: [
    [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 1, 3],
    [5, 5, 2, 7, 1],
    [9, 4, 4, 8, 2, 1, 1, 3, 6],
  ],
  targets: [[9, 8, 7, 6, 5, 4, 3], [1, 7, 2, 5, 5, 5], [6]],
};
export const LENGTHS = { length: 12, targetLength: 8 } as const;

export function batchOf({ sources, targets }: Pairs, end: number, length: number = LENGTHS.length): Batch {
  const batchSize = sources.length;
  const targetLengths = targets.map((tokens) => tokens.length + 1);
  const longest = Math.max(...targetLengths);
  const inputs = new Uint32Array(batchSize * length);
  const predicted = new Int32Array(batchSize * longest).fill(-100);
  sources.forEach((tokens, row) => {
    inputs.set(tokens, row * length);
    predicted.set([...(targets[row] ?? []), end], row * longest);
  });
  const counted = targetLengths.reduce((a, b) => a + b, 0);
  const lengths = sources.map((tokens) => tokens.length);
  return { inputs, targets: predicted, lengths, targetLengths, counted, batchSize, length };
}

/** Buckets of LSH layers by layer, drawn with a seed: [batch, heads, rounds, length]. */
function givenBuckets(
  config: ReturnType<typeof resolveConfig>,
  batch: number,
  lengths: { length: number; targetLength: number },
) {
  const { source, joined } = pairLengths(config, lengths.length, lengths.targetLength);
  const arena = new Arena("buckets", "state");
  const tensors = new Map<number, Tensor>();
  const values = new Map<number, Uint32Array<ArrayBuffer>>();
  [...config.layers, ...config.encoderLayers].forEach((kind, layer) => {
    if (kind !== "lsh") return;
    const length = layer < config.layers.length ? joined : source;
    const shape = [batch, config.numHeads, config.numHashes, length];
    const random = new Random(3, layer);
    tensors.set(layer, arena.tensor(`buckets.${layer}`, shape, "u32"));
    const count = shape.reduce((a, b) => a * b, 1);
    values.set(
      layer,
      Uint32Array.from({ length: count }, () => random.below(config.numBuckets as number)),
    );
  });
  return { tensors, values };
}

export interface MadePair {
  readonly gpu: Gpu;
  readonly config: ReturnType<typeof resolveConfig>;
  readonly base: PreparedPlan;
  readonly trainer: Trainer;
  readonly buckets: ReadonlyMap<number, Uint32Array>;
  readonly weights: ReadonlyMap<string, Float32Array>;
}

const gpus: Gpu[] = [];
export function disposeAll(): void {
  for (const gpu of gpus) gpu.dispose();
}

/** A model with seeded weights, planned for `PAIRS`. */
export async function makePair(
  options: Partial<TrainOptions> = {},
  changes: ReformerOptions = {},
  lengths: { length: number; targetLength: number } = LENGTHS,
  fixedBuckets = true,
): Promise<MadePair> {
  const config = resolveConfig({ ...SMALL_PAIR, ...changes });
  const device = await getDevice();
  const gpu = new Gpu(device);
  gpus.push(gpu);
  const profile = profileOf(device);
  const arena = parameterArena(config, "weights", "weights");
  const base = await PreparedPlan.create(gpu, planWeights(config, arena, profile));
  const weights = new Map(parameters(config).map((p, i) => [p.name, initialValues(p, i, 7)]));
  for (const [name, values] of weights) base.write(arena.get(name), values);
  const batchSize = PAIRS.sources.length;
  const { shape, schedule } = resolveTrainOptions(config, {
    steps: 4,
    batchSize,
    length: lengths.length,
    ...options,
  });
  const given = fixedBuckets ? givenBuckets(config, batchSize, lengths) : undefined;
  const planned = planTraining(
    config,
    { ...shape, targetLength: lengths.targetLength },
    arena,
    profile,
    given && { buckets: given.tensors },
  );
  const trainer = await Trainer.create(gpu, config, planned, base, { seed: 5, accumulate: 1, schedule });
  for (const [layer, tensor] of given?.tensors ?? []) {
    trainer.prepared.write(tensor, given?.values.get(layer) as Uint32Array);
  }
  return { gpu, config, base, trainer, buckets: given?.values ?? new Map(), weights };
}

/** Mean loss and all gradients of one batch. */
export async function gradientsOf({ trainer, config }: MadePair, batch = batchOf(PAIRS, startToken(config))) {
  const { prepared, plan } = trainer;
  const lossScale = 1 / (batch.counted ?? 1);
  prepared.write(plan.windows.inputs.control, packControl({ seed: 5, draw: 0, lossScale }));
  writeBatch(prepared, plan.windows, batch);
  await prepared.run(RUN.clear);
  await prepared.run(RUN.batch);
  const gradients = new Map<string, Float32Array>();
  for (const [name, tensor] of plan.gradients.tensors) {
    gradients.set(name, (await prepared.read(tensor)) as Float32Array);
  }
  return { loss: (await prepared.read(plan.windows.results))[RESULT.loss] as number, gradients };
}
