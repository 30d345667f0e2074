// Targets of sources, token by token: the encoder and the decoder over its states in one pass, then one step per token
// against the caches.
import {
  encoderLength,
  endTokens,
  fillToken,
  type ReformerConfig,
  startToken,
  wholeChunks,
} from "../config/config.js";
import type { Gpu } from "../gpu/gpu.js";
import { copyInto } from "../layers/copy.js";
import { prefillHashes, prefillLayer } from "../layers/decode.js";
import { encodedStates, join } from "../layers/encoded.js";
import { packControl } from "../model/control.js";
import { type ParameterArena, streamPair } from "../model/memory.js";
import { encode, encoderContext } from "../model/sequence-to-sequence.js";
import { type DeviceProfile, type Plan, type Planner, plan } from "../scheduler/plan.js";
import { Arena, type Tensor } from "../scheduler/recording.js";
import { PreparedPlan } from "../scheduler/run.js";
import { roundUp } from "../shapes.js";
import type { SamplingOptions } from "../types-generation.js";
import { nextGroup, runSteps } from "./group.js";
import { type GenerationPlan, inferenceContext, planGeneration, RUN } from "./recordings.js";
import { checkSampling } from "./sampling.js";

/** What conversion needs of a sequence-to-sequence model. */
export interface PairModel {
  readonly config: ReformerConfig;
  readonly gpu: Gpu;
  readonly planner: Planner;
  readonly weights: ParameterArena;
  /** Holds the weights. */
  readonly base: PreparedPlan;
}

/**
 * The targets of sources of one length, side by side, each without its end token. A target ends after `maxNewTokens`.
 * @throws {ShapeError} {GpuOutOfMemoryError} where the lengths do not fit the model or the device
 */
export async function convertTokens(
  { config, gpu, planner, weights, base }: PairModel,
  sources: readonly ArrayLike<number>[],
  options: SamplingOptions & { readonly maxNewTokens: number; readonly signal?: AbortSignal | undefined },
): Promise<number[][]> {
  const { maxNewTokens, signal, seed = 0, temperature = 0, topK = 0, topP = 1 } = options;
  checkSampling({ temperature, topK, topP });
  const length = sources[0]?.length ?? 0;
  const shape = { batch: sources.length, capacity: length + maxNewTokens, streams: "f32" } as const;
  const generation = await planner.plan((profile) => planGeneration(config, shape, weights, profile));
  const { tensors } = generation;
  const prepared = await PreparedPlan.create(gpu, generation.plan, { shared: base, signal });
  try {
    prepared.write(tensors.hashControl, packControl({ seed: config.hashSeed ?? seed, draw: 0 }));
    await prepared.run(RUN.start);
    const padded = paddedSource(config, length);
    await readSources(gpu, generation, config, prepared, { sources, padded, planner, signal });
    const lsh = config.layers.includes("lsh");
    let hashed = lsh && prefillHashes({ config: generation.config, length: padded.decoder });
    const ends = new Set(endTokens(config));
    prepared.write(tensors.tokens, new Uint32Array(sources.length).fill(startToken(config)));
    prepared.write(tensors.seen, new Uint32Array(tensors.seen.byteLength / 4));
    const targets: number[][] = sources.map(() => []);
    const open = new Set(targets);
    for (let place = 0, size = 1; place < maxNewTokens && open.size > 0; ) {
      signal?.throwIfAborted();
      const started = performance.now();
      const steps = Array.from({ length: Math.min(size, maxNewTokens - place) }, (_, i) => {
        const position = length + place + i;
        const draw = place + i;
        hashed ||=
          lsh && i + place > 0 && position >= Math.max(config.lshChunkLength, config.fullAttentionBelow);
        const control = { seed, draw, position, temperature, topK, topP };
        return { control, positionControl: { seed, draw, position: draw }, hashed };
      });
      for (const chosen of await runSteps(prepared, generation, steps, { signal })) {
        targets.forEach((target, row) => {
          const token = chosen[row] as number;
          if (ends.has(token)) open.delete(target);
          else if (open.has(target)) target.push(token);
        });
      }
      place += steps.length;
      size = nextGroup(steps.length, performance.now() - started);
    }
    return targets;
  } finally {
    prepared.dispose();
  }
}

/** Sources are padded to a multiple of it: programs for full attention are compiled per length. */
const LENGTH_STEP = 32;

/** Tokens of a source with the padding that each stack needs. */
interface PaddedSource {
  readonly encoder: number;
  readonly decoder: number;
}

function paddedSource(config: ReformerConfig, length: number): PaddedSource {
  const rounded = roundUp(length, LENGTH_STEP);
  const below = config.fullAttentionBelow;
  const tokens = length < below && rounded >= below ? length : rounded;
  return { encoder: encoderLength(config, tokens), decoder: wholeChunks(config, config.layers, tokens) };
}

/** Fills the caches with the sources. */
async function readSources(
  gpu: Gpu,
  generation: GenerationPlan,
  config: ReformerConfig,
  shared: PreparedPlan,
  options: {
    readonly sources: readonly ArrayLike<number>[];
    readonly padded: PaddedSource;
    readonly planner: Planner;
    readonly signal: AbortSignal | undefined;
  },
): Promise<void> {
  const { sources, padded, planner, signal } = options;
  const length = sources[0]?.length ?? 0;
  const planned = await planner.plan((profile) => planSources(generation, config, length, padded, profile));
  const prepared = await PreparedPlan.create(gpu, planned.plan, { shared, signal });
  try {
    const ids = new Uint32Array(sources.length * padded.encoder).fill(fillToken(config));
    sources.forEach((source, row) => void ids.set(source, row * padded.encoder));
    const maskOf = (paddedLength: number) => {
      const mask = new Uint32Array(sources.length * paddedLength);
      for (let end = 0; end < mask.length; end += paddedLength) mask.fill(1, end, end + length);
      return mask;
    };
    prepared.write(planned.tokens, ids);
    prepared.write(planned.lengths, new Uint32Array(sources.length).fill(length));
    if (planned.encoderMask) prepared.write(planned.encoderMask, maskOf(padded.encoder));
    if (planned.decoderMask) prepared.write(planned.decoderMask, maskOf(padded.decoder));
    await prepared.run(0, { signal });
    await prepared.finish();
  } finally {
    prepared.dispose();
  }
}

interface SourcesPlan {
  readonly plan: Plan;
  /** u32 [batch · padded.encoder]. */
  readonly tokens: Tensor;
  /** u32 [batch]: tokens of each source without padding. */
  readonly lengths: Tensor;
  /** Where the stack sees padding: u32 [batch, padded]. */
  readonly encoderMask: Tensor | undefined;
  readonly decoderMask: Tensor | undefined;
}

/** Plans the encoder over sources of `length` tokens each, and the decoder over its states. */
function planSources(
  generation: GenerationPlan,
  config: ReformerConfig,
  length: number,
  padded: PaddedSource,
  profile: DeviceProfile,
): SourcesPlan {
  const { shape, weights, cache, tensors } = generation;
  const { batch, streams } = shape;
  const { hiddenSize: E } = config;
  const arena = new Arena("sources", "state");
  const maskOf = (label: string, paddedLength: number) =>
    paddedLength === length ? undefined : arena.tensor(label, [batch, paddedLength], "u32");
  const tokens = arena.tensor("source tokens", [batch * padded.encoder], "u32");
  const lengths = arena.tensor("source lengths", [batch], "u32");
  const encoderMask = maskOf("encoder mask", padded.encoder);
  const decoderMask = maskOf("decoder mask", padded.decoder);
  const sizes = { batch, length: padded.decoder, streams };
  const context = {
    ...inferenceContext(generation.config, sizes, weights, tensors, profile, cache),
    keyMask: decoderMask,
  };
  const { recording } = context;
  const encoder = encoderContext({ ...context, config }, padded.encoder, encoderMask);
  const source = encodedStates(encoder, encode(encoder, tokens).streams);
  const pair = streamPair(
    config,
    ["source x1", "source x2"],
    batch * padded.decoder,
    profile.maxStorageBufferBindingSize,
    "i32",
  );
  // No target stands behind the sources yet: its place is padding of the decoder.
  const targets = recording.tensor("no targets", [batch, 1, E], "i32");
  recording.clear(targets);
  join(
    context,
    { sources: lengths, sourceLength: padded.encoder, targetLength: 1 },
    { source, targets },
    pair.x1,
  );
  copyInto(context, pair.x1, pair.x2);
  config.layers.forEach((kind, layer) => {
    prefillLayer(context, layer, kind, pair, cache);
  });
  return { plan: plan([recording], profile), tokens, lengths, encoderMask, decoderMask };
}
