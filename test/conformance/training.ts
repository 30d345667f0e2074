// A recorded training run, repeated with the project's own training plan: forward, backward, clipping and update.
import type { Gpu } from "../../src/gpu/gpu.js";
import { BLOCK_FLAGS } from "../../src/kernels/adamw.js";
import { copyInto } from "../../src/layers/copy.js";
import { embed } from "../../src/layers/embedding.js";
import { layerForward } from "../../src/layers/reversible-block.js";
import { rowsPerSlab } from "../../src/layers/rows.js";
import { biasCorrection, packControl } from "../../src/model/control.js";
import { parameterArena, streamPair } from "../../src/model/memory.js";
import { plan } from "../../src/scheduler/plan.js";
import { Arena, Recording, type Tensor } from "../../src/scheduler/recording.js";
import { PreparedPlan } from "../../src/scheduler/run.js";
import { planTraining, RUN } from "../../src/train/recordings.js";
import { RESULT } from "../../src/train/results.js";
import { profileOf } from "../support/run-kernel.js";
import {
  type CallShape,
  type Case,
  callShape,
  optimizerCall,
  parametersOf,
  recordedHashes,
  stepTokens,
  tensorOf,
} from "./case.js";
import { bucketsOf, type Computed, countFlips, dispatchHash } from "./hashes.js";
import { targetsOf } from "./reference/cases.js";

/** Bucket ids fed to a layer, the rotations recorded with them, and the ids these rotations give here. */
interface LayerHash {
  readonly given: Tensor;
  readonly rotations: Tensor;
  readonly computed: Tensor;
}

function hashTensors(c: Case, shape: CallShape): Map<number, LayerHash> {
  const tensors = new Map<number, LayerHash>();
  for (const [layer, { buckets, rotations }] of recordedHashes(c, shape)) {
    const tensor = (label: string, count: number, type: "u32" | "f32") =>
      new Arena(`${label} ${layer}`, "state").tensor(label, [count], type);
    tensors.set(layer, {
      given: tensor("buckets", buckets.length, "u32"),
      rotations: tensor("rotations", rotations.length, "f32"),
      computed: tensor("computed buckets", buckets.length, "u32"),
    });
  }
  return tensors;
}

/** Losses, gradient norms and parameters of a recorded run of AdamW. */
export async function optimize(c: Case, gpu: Gpu, fixedPoint: boolean): Promise<Computed> {
  const shape = callShape(c);
  const { batch, length } = shape;
  const { steps, betas, eps, weightDecay, clipNorm, decaysAll } = optimizerCall(c);
  const [beta1, beta2] = betas;
  const profile = profileOf(gpu.device);
  const hashes = hashTensors(c, shape);
  const weights = parameterArena(c.config, "weights", "weights");
  const training = planTraining(
    c.config,
    {
      batchSize: batch,
      length,
      backward: "reversible",
      precision: "f32",
      streams: fixedPoint ? "int32" : "f32",
      labelSmoothing: 0,
      optimizer: { kind: "adamw", beta1, beta2, eps, weightDecay, clipNorm },
    },
    weights,
    profile,
    { buckets: new Map([...hashes].map(([layer, { given }]) => [layer, given])) },
  );
  const { optimizer, windows } = training;
  const { inputs, outputs } = windows;
  const prepared = await PreparedPlan.create(gpu, training.plan);
  const hashing = await PreparedPlan.create(gpu, plan([hashRecording()], profile), { shared: prepared });
  const out = new Map<string, ArrayLike<number>>();
  const losses = new Float64Array(steps);
  const norms = new Float64Array(steps);
  let hashed = 0;
  let flipped = 0;
  try {
    optimizer.initialise(prepared);
    if (decaysAll) {
      const flags = BLOCK_FLAGS.decayed | BLOCK_FLAGS.trainable;
      for (const tensor of optimizer.blockFlags) {
        prepared.write(tensor, new Uint32Array(tensor.byteLength / 4).fill(flags));
      }
    }
    for (const [name, { data }] of parametersOf(c))
      prepared.write(weights.get(name), Float32Array.from(data));
    for (let step = 1; step <= steps; step++) {
      const ids = stepTokens(c, shape, step - 1);
      const targets = targetsOf(c, ids, shape);
      const counted = targets.filter((target) => target >= 0).length;
      prepared.write(inputs.tokens, Uint32Array.from(ids));
      prepared.write(inputs.targets, targets);
      prepared.write(
        inputs.control,
        packControl({
          seed: 0,
          draw: step,
          step,
          learningRate: tensorOf(c, "input/learning_rate").data[step - 1] as number,
          lossScale: 1 / counted,
          biasCorrection1: biasCorrection(beta1, step),
          biasCorrection2: biasCorrection(beta2, step),
        }),
      );
      const flips = await hashStep(step);
      hashed += flips.hashed;
      flipped += flips.flipped;
      for (const run of [RUN.clear, RUN.batch, RUN.update]) await prepared.run(run);
      const results = await prepared.read(optimizer.results);
      losses[step - 1] = results[RESULT.loss] as number;
      norms[step - 1] = results[RESULT.norm] as number;
      if (step === 1) await readWeights("after_step_1");
    }
    await readWeights("final");
  } finally {
    hashing.dispose();
    prepared.dispose();
  }
  return { values: out.set("loss", losses).set("grad_norm", norms), hashed, flipped };

  async function readWeights(when: string): Promise<void> {
    for (const [name, { own }] of parametersOf(c)) {
      out.set(`${when}/${own}`, await prepared.read(weights.get(name)));
    }
  }

  /** A forward pass of its own that hashes every LSH layer's queries. */
  function hashRecording(): Recording {
    const recording = new Recording();
    const bindingBytes = profile.maxStorageBufferBindingSize;
    const context = {
      recording,
      config: c.config,
      batch,
      length,
      fixedPoint,
      training: true,
      control: inputs.control,
      hashControl: inputs.hashControl,
      status: outputs.status,
      weight: weights.get,
      gradient: training.gradients.get,
      slabRows: (width: number) => rowsPerSlab(width, bindingBytes),
      given: { buckets: new Map([...hashes].map(([layer, { given }]) => [layer, given])) },
    };
    const streams = streamPair(c.config, ["hashed x1", "hashed x2"], batch * length, bindingBytes, "i32");
    embed(context, inputs.tokens, streams.x1);
    copyInto(context, streams.x1, streams.x2);
    const recorded = recordedHashes(c, shape);
    c.config.layers.forEach((kind, layer) => {
      const stored = layerForward(context, layer, kind, streams, true)?.attention[0];
      const hash = recorded.get(layer);
      const tensors = hashes.get(layer);
      if (!stored || !hash || !tensors) return;
      const { rotations, computed: buckets } = tensors;
      dispatchHash(context, hash, { qk: stored.heads.query, rotations, buckets });
    });
    return recording;
  }

  /** Writes a step's recorded hashes and compares them with those of the weights as they are. */
  async function hashStep(step: number): Promise<Computed> {
    const recorded = recordedHashes(c, shape, step - 1);
    for (const [layer, { buckets, rotations }] of recorded) {
      const tensors = hashes.get(layer) as LayerHash;
      hashing.write(tensors.given, buckets);
      prepared.write(tensors.given, buckets);
      hashing.write(tensors.rotations, rotations);
    }
    await hashing.run();
    const values = new Map<string, ArrayLike<number>>();
    for (const [layer, { computed }] of hashes) values.set(bucketsOf(layer), await hashing.read(computed));
    return countFlips(values, recorded);
  }
}
