// A model and its weights for tasks whose sequences are made up: trained like any other, evaluated with any hashing.
import { bucketFactors, paddedLength, type ReformerConfig } from "../../config/config.js";
import { readTensors } from "../../engine/checkpoint.js";
import { describeAdapter, type OpenDevice, openDevice } from "../../engine/device.js";
import { writeModelFiles } from "../../engine/files.js";
import { resolveTrainOptions } from "../../engine/options.js";
import { SAFETENSORS } from "../../io/model-files.js";
import { readSafetensors, type Tensor as StoredTensor, tensorFloats } from "../../io/safetensors.js";
import { noGradient } from "../../layers/context.js";
import { initialValues, parameters } from "../../model/parameters.js";
import { Random } from "../../random.js";
import { plan } from "../../scheduler/plan.js";
import { Arena, Recording, type Tensor } from "../../scheduler/recording.js";
import { PreparedPlan } from "../../scheduler/run.js";
import type { Batch, BatchSource } from "../../text/dataset.js";
import type { Tokenizer } from "../../text/tokenizer.js";
import {
  contextOf,
  evaluateWindows,
  initialiseWindows,
  planWindows,
  recordLosses,
} from "../../train/evaluation.js";
import { planTraining, type TrainingShape } from "../../train/recordings.js";
import { METRICS_BYTES, RESULT } from "../../train/results.js";
import { type FinishedStep, Trainer } from "../../train/trainer.js";
import type { AdapterDescription, ModelFiles, TrainOptions } from "../../types.js";

/** How LSH layers find their keys in an evaluation. */
export interface Hashing {
  /** Hashing rounds, or "full": every key is a candidate. */
  readonly rounds: number | "full";
  /** Each token gets the bucket of another one: as many tokens per bucket, for no reason. */
  readonly shuffled?: boolean;
}

export function hashingName({ rounds, shuffled }: Hashing): string {
  const name = rounds === "full" ? "full attention" : `${rounds} ${rounds === 1 ? "round" : "rounds"}`;
  return shuffled ? `${name}, shuffled` : name;
}

export class TaskModel {
  private constructor(
    readonly config: ReformerConfig,
    readonly seed: number,
    readonly opened: OpenDevice,
  ) {}

  static async create(config: ReformerConfig, seed: number): Promise<TaskModel> {
    const opened = await openDevice(config);
    for (const [i, parameter] of parameters(config).entries()) {
      opened.base.write(opened.weights.get(parameter.name), initialValues(parameter, i, seed));
    }
    return new TaskModel(config, seed, opened);
  }

  get adapter(): AdapterDescription {
    return describeAdapter(this.opened.gpu.device);
  }

  /** Optimiser steps on batches of `source`, with fresh optimiser state. */
  async *train(
    source: BatchSource,
    { targetLength, ...options }: TrainOptions & Pick<TrainingShape, "targetLength">,
  ): AsyncGenerator<FinishedStep> {
    const { config, seed, opened } = this;
    const { shape: resolved, schedule, steps, accumulate } = resolveTrainOptions(config, options);
    const shape = { ...resolved, targetLength };
    const planned = planTraining(config, shape, opened.weights, opened.planner.profile);
    const trainer = await Trainer.create(opened.gpu, config, planned, opened.base, {
      seed,
      schedule,
      accumulate,
      signal: options.signal,
    });
    try {
      yield* trainer.run(source, steps, options.signal);
    } finally {
      trainer.dispose();
    }
  }

  /** Loss and share of right tokens among the counted targets. */
  async evaluate(
    batches: readonly Batch[],
    { rounds, shuffled = false }: Hashing,
    signal?: AbortSignal,
  ): Promise<{ loss: number; accuracy: number; tokens: number }> {
    const { gpu, base, weights, planner } = this.opened;
    const { profile } = planner;
    const { batchSize = 1, length = 1 } = batches[0] ?? {};
    const full = rounds === "full";
    const config = {
      ...this.config,
      numHashes: full ? 1 : rounds,
      fullAttentionBelow: full ? length + 1 : this.config.fullAttentionBelow,
    };
    const results = new Arena("results", "state").tensor("results", [1, RESULT.columns]);
    const windows = planWindows(config, { batchSize, length }, results, profile);
    const buckets = shuffled ? bucketTensors(config, batchSize, paddedLength(config, length)) : new Map();
    const recording = new Recording();
    const context = contextOf(windows, weights, profile, {
      recording,
      training: false,
      fixedPoint: true,
      withoutLsh: false,
      gradient: noGradient,
      given: { buckets },
    });
    recordLosses(context, windows);
    const planned = plan([recording], profile, { readbacks: [METRICS_BYTES] });
    const prepared = await PreparedPlan.create(gpu, planned, { shared: base, signal });
    try {
      initialiseWindows(prepared, windows);
      for (const [layer, tensor] of buckets) {
        prepared.write(tensor, shuffledBuckets(config, tensor, new Random(this.seed, 99, layer)));
      }
      return await evaluateWindows(prepared, windows, 0, batches, { seed: this.seed, signal });
    } finally {
      prepared.dispose();
    }
  }

  /** Rounds the weights to half precision, and gives the files of what is left. */
  async halve(tokenizer: Tokenizer): Promise<ModelFiles> {
    const { base, weights } = this.opened;
    const trained = await readTensors(base, weights.tensors);
    const files = writeModelFiles(this.config, tokenizer, trained, { dtype: "float16" });
    const { tensors } = readSafetensors(files[SAFETENSORS] as Uint8Array);
    for (const [name, tensor] of weights.tensors) {
      base.write(tensor, tensorFloats(tensors.get(name) as StoredTensor, name));
    }
    return files;
  }

  dispose(): void {
    this.opened.base.dispose();
    this.opened.gpu.dispose();
  }
}

function bucketTensors(config: ReformerConfig, batch: number, length: number): Map<number, Tensor> {
  const { layers, numHeads, numHashes } = config;
  const arena = new Arena("buckets", "state");
  const lsh = [...layers.keys()].filter((layer) => layers[layer] === "lsh");
  return new Map(
    lsh.map((layer) => [
      layer,
      arena.tensor(`buckets.${layer}`, [batch, numHeads, numHashes, length], "u32"),
    ]),
  );
}

/** Equally many tokens in each bucket, in random order, for every head and round. */
function shuffledBuckets(config: ReformerConfig, { shape }: Tensor, random: Random): Uint32Array {
  const [length = 1] = shape.slice(-1);
  const count = bucketFactors(config, length).reduce((a, b) => a * b, 1);
  const ids = new Uint32Array(shape.reduce((a, b) => a * b, 1));
  for (let at = 0; at < ids.length; at += length) {
    const row = ids.subarray(at, at + length);
    for (let i = 0; i < length; i++) row[i] = i % count;
    random.shuffle(row);
  }
  return ids;
}
