// Everything generation runs on the GPU, as recordings: drawing the rotations, a prompt, one new token per sequence.
import { bucketFactors, longestLength, type ReformerConfig } from "../config/config.js";
import { ConfigError, ShapeError } from "../errors.js";
import { sampleToken } from "../kernels/sampling.js";
import { type LayerContext, noGradient, STATUS_SLOTS } from "../layers/context.js";
import { copyInto } from "../layers/copy.js";
import {
  type DecodeOptions,
  decodeLayer,
  embedNext,
  type NormedProbe,
  prefillLayer,
} from "../layers/decode.js";
import { type DecodeCache, decodeCache, decodeConfig, startCache } from "../layers/decode-cache.js";
import { embed } from "../layers/embedding.js";
import { finalStates, logitsOf } from "../layers/head.js";
import type { Streams } from "../layers/reversible-block.js";
import { rowsPerSlab } from "../layers/rows.js";
import { type ParameterArena, streamPair } from "../model/memory.js";
import { decoderConfig } from "../model/sequence-to-sequence.js";
import { type DeviceProfile, type Plan, plan } from "../scheduler/plan.js";
import { Arena, Recording, rowOf, type Tensor } from "../scheduler/recording.js";
import { ceilDiv } from "../shapes.js";

export interface GenerationShape {
  /** Sequences written side by side, at most 65,535. */
  readonly batch: number;
  /** Tokens that a sequence may be read from: the prompt and all new ones but the last. */
  readonly capacity: number;
  readonly streams: "int32" | "f32";
}

/** Most steps that are run without the host in between. */
export const GROUP = 32;

/**
 * Order of the recordings in the plan of the steps. `load + i` makes row i of the control words those of the next step,
 * `keep + i` notes the tokens that it chose.
 */
export const RUN = { start: 0, dense: 1, hashed: 2, load: 3, keep: 3 + GROUP } as const;

/** A planned generation and the tensors the host writes and reads. */
export interface GenerationPlan {
  readonly plan: Plan;
  readonly shape: GenerationShape;
  /** With the bucket count of this capacity. */
  readonly config: ReformerConfig;
  readonly weights: ParameterArena;
  readonly cache: DecodeCache;
  readonly tensors: StepTensors;
}

/** What a step reads and writes beside weights and caches. */
export interface StepTensors {
  /** u32 [16]: position in the caches, sampling. */
  readonly control: Tensor;
  /** u32 [16]: position that is embedded; of a target, its own. Else the same tensor as `control`. */
  readonly positionControl: Tensor;
  /** u32 [GROUP, 16]: what `control` will be, by step of a group; and `positionControl`, where it is another. */
  readonly controls: Tensor;
  readonly positionControls: Tensor | undefined;
  /** u32 [GROUP, batch]: tokens by step of a group. */
  readonly chosen: Tensor;
  /** u32 [16]: seed and draw of the rotations. */
  readonly hashControl: Tensor;
  /** u32 [batch]: the tokens a step reads, then the tokens it chose. */
  readonly tokens: Tensor;
  /** u32 [batch, ⌈vocabSize / 32⌉]: tokens that the repetition penalty knows. */
  readonly seen: Tensor;
  /** u32 [STATUS_SLOTS]. */
  readonly status: Tensor;
  /** f32 [batch, vocabSize]. */
  readonly logits: Tensor;
}

export function stepTensors(config: ReformerConfig, batch: number): StepTensors {
  // Kernels only read the first arena and write the second: they are bound together.
  const inputs = new Arena("inputs", "state");
  const outputs = new Arena("outputs", "state");
  const logits = new Arena("logits", "state");
  const control = inputs.tensor("control", [16], "u32");
  const pair = config.head === "sequence-to-sequence";
  const group = new Arena("group", "state");
  return {
    control,
    positionControl: pair ? inputs.tensor("target position", [16], "u32") : control,
    controls: group.tensor("controls", [GROUP, 16], "u32"),
    positionControls: pair ? group.tensor("target positions", [GROUP, 16], "u32") : undefined,
    chosen: new Arena("chosen", "state").tensor("chosen", [GROUP, batch], "u32"),
    hashControl: inputs.tensor("hash control", [16], "u32"),
    tokens: outputs.tensor("tokens", [batch], "u32"),
    seen: outputs.tensor("seen", [batch, ceilDiv(config.vocabSize, 32)], "u32"),
    status: outputs.tensor("status", [STATUS_SLOTS], "u32"),
    logits: logits.tensor("logits", [batch, config.vocabSize]),
  };
}

/**
 * Plans the steps of a generation without touching a GPU. `weights` are shared with other plans of the same model.
 * @throws {ConfigError} where the model is no causal language model
 * @throws {ShapeError} where the capacity exceeds the model's positions
 */
export function planGeneration(
  config: ReformerConfig,
  shape: GenerationShape,
  weights: ParameterArena,
  profile: DeviceProfile,
): GenerationPlan {
  const { batch, capacity, streams } = shape;
  checkShape(config, shape);
  const fixed = decodeConfig(decoderConfig(config), capacity);
  const cache = decodeCache(fixed, batch, capacity);
  const tensors = stepTensors(fixed, batch);
  const pair = streamPair(fixed, ["x1", "x2"], batch, profile.maxStorageBufferBindingSize, "i32");
  const record = (body: (context: LayerContext) => void): Recording => {
    const context = inferenceContext(fixed, { batch, length: 1, streams }, weights, tensors, profile, cache);
    body(context);
    return context.recording;
  };
  const start = record(({ recording }) => startCache(recording, fixed, cache, tensors.hashControl));
  const step = (hashed: boolean) =>
    record((context) => {
      recordStep(context, tensors, pair, cache, { hashed });
      context.recording.dispatch(
        sampleToken,
        { batch, vocab: fixed.vocabSize },
        {
          seen: tensors.seen,
          control: tensors.control,
          logits: tensors.logits,
          tokens: tensors.tokens,
        },
      );
    });
  const steps = [step(false), fixed.layers.includes("lsh") ? step(true) : new Recording()];
  const readbacks = [Math.max(256, tensors.chosen.byteLength)];
  return {
    plan: plan([start, ...steps, ...recordGroup(tensors, batch)], profile, { readbacks }),
    shape,
    config: fixed,
    weights,
    cache,
    tensors,
  };
}

/** What is copied before and after every step of a group. */
function recordGroup(tensors: StepTensors, batch: number): Recording[] {
  const { control, controls, positionControl, positionControls, tokens, chosen } = tensors;
  const each = (body: (recording: Recording, i: number) => void) =>
    Array.from({ length: GROUP }, (_, i) => {
      const recording = new Recording();
      body(recording, i);
      return recording;
    });
  const loads = each((recording, i) => {
    recording.copy(rowOf(controls, i, 16), control);
    if (positionControls) recording.copy(rowOf(positionControls, i, 16), positionControl);
  });
  const keeps = each((recording, i) => void recording.copy(tokens, rowOf(chosen, i, batch)));
  return [...loads, ...keeps];
}

function checkShape(config: ReformerConfig, { batch, capacity }: GenerationShape): void {
  if (!config.causal) {
    throw new ConfigError(
      "this model looks at later tokens (causal is false), so it cannot write text: generate with a causal model",
      { field: "causal" },
    );
  }
  // Source and target have positions of their own.
  const longest = longestLength(config) * (config.head === "sequence-to-sequence" ? 2 : 1);
  if (!Number.isInteger(capacity) || capacity < 1 || capacity > longest) {
    throw new ShapeError(
      `a generation of ${capacity} tokens was asked for, but this model has ${longest} positions: shorten the prompt or ask for fewer new tokens`,
      { capacity, longest },
    );
  }
  if (!Number.isInteger(batch) || batch < 1 || batch > 65_535) {
    throw new ShapeError(`batch is ${batch}, but generation takes 1 to 65535 sequences at a time`, { batch });
  }
  if (config.layers.includes("lsh")) bucketFactors(decodeConfig(config, capacity), capacity);
}

/** What layers are recorded with in inference; the rotations are the cache's. */
export function inferenceContext(
  config: ReformerConfig,
  sizes: { readonly batch: number; readonly length: number; readonly streams: "int32" | "f32" },
  weights: ParameterArena,
  tensors: Pick<StepTensors, "control" | "hashControl" | "status">,
  profile: DeviceProfile,
  cache: DecodeCache,
): LayerContext {
  const drawn = cache.layers.flatMap(({ buckets }, layer) =>
    buckets ? [[layer, buckets.rotations] as const] : [],
  );
  const keySums = cache.layers.flatMap(({ buckets }, layer) =>
    buckets?.keySums ? [[layer, buckets.keySums] as const] : [],
  );
  return {
    recording: new Recording(),
    config,
    batch: sizes.batch,
    length: sizes.length,
    fixedPoint: sizes.streams === "int32",
    training: false,
    control: tensors.control,
    hashControl: tensors.hashControl,
    keySums: new Map(keySums),
    status: tensors.status,
    weight: weights.get,
    gradient: noGradient,
    slabRows: (width) => rowsPerSlab(width, profile.maxStorageBufferBindingSize),
    chunkDivisor: profile.chunkDivisor,
    given: { rotations: new Map(drawn) },
  };
}

/** Records one new token per sequence: reads `tokens` at the control buffer's position, writes `logits`. */
export function recordStep(
  context: LayerContext,
  tensors: Pick<StepTensors, "tokens" | "logits"> & Partial<Pick<StepTensors, "positionControl">>,
  streams: Streams,
  cache: DecodeCache,
  options: DecodeOptions,
): void {
  embedNext(context, tensors.tokens, streams.x1, tensors.positionControl);
  copyInto(context, streams.x1, streams.x2);
  context.config.layers.forEach((kind, layer) => {
    decodeLayer(context, layer, kind, streams, cache, options);
  });
  context.recording.scope("head", () => {
    const states = finalStates(context, streams, 0, context.batch);
    logitsOf(context, states, context.batch, tensors.logits);
  });
}

/** Records the forward pass of a prompt, which fills the caches from position 0 on. */
export function recordPrefill(
  context: LayerContext,
  tokens: Tensor,
  streams: Streams,
  cache: DecodeCache,
  probe?: NormedProbe,
): void {
  embed(context, tokens, streams.x1);
  copyInto(context, streams.x1, streams.x2);
  context.config.layers.forEach((kind, layer) => {
    prefillLayer(context, layer, kind, streams, cache, probe);
  });
}

/** A planned prompt. */
export interface PrefillPlan {
  readonly plan: Plan;
  /** u32 [batch, paddedLength]. */
  readonly tokens: Tensor;
  /** u32 [batch, paddedLength], 1 = real token; absent where nothing is padded. */
  readonly keyMask: Tensor | undefined;
}

/** Plans the forward pass of prompts of `paddedLength` tokens each, some of them padding where `masked`. */
export function planPrefill(
  generation: GenerationPlan,
  paddedLength: number,
  masked: boolean,
  profile: DeviceProfile,
): PrefillPlan {
  const { config, shape, weights, cache, tensors } = generation;
  const { batch, streams } = shape;
  const arena = new Arena("prompt", "state");
  const tokens = arena.tensor("prompt tokens", [batch * paddedLength], "u32");
  const keyMask = masked ? arena.tensor("key mask", [batch, paddedLength], "u32") : undefined;
  const sizes = { batch, length: paddedLength, streams };
  const context: LayerContext = {
    ...inferenceContext(config, sizes, weights, tensors, profile, cache),
    keyMask,
  };
  const bytes = profile.maxStorageBufferBindingSize;
  const pair = streamPair(config, ["prompt x1", "prompt x2"], batch * paddedLength, bytes, "i32");
  recordPrefill(context, tokens, pair, cache);
  return { plan: plan([context.recording], profile), tokens, keyMask };
}
