// The persistent memory of a model: parameter arenas, streams, and the small buffers that change every step.
import type { PairLengths, ReformerConfig } from "../config/config.js";
import { STATUS_SLOTS } from "../layers/context.js";
import { headShapes } from "../layers/heads.js";
import type { Streams } from "../layers/reversible-block.js";
import { makeRows, type Rows, rowsPerSlab } from "../layers/rows.js";
import { Arena, type Tensor } from "../scheduler/recording.js";
import { elements } from "../shapes.js";
import { joinedParameters, parameters } from "./parameters.js";
import type { PairTensors } from "./sequence-to-sequence.js";

/** One tensor for each parameter, all in one arena; equal offsets in every arena of one model. */
export interface ParameterArena {
  readonly arena: Arena;
  readonly tensors: ReadonlyMap<string, Tensor>;
  /** The tensor of a parameter. */
  readonly get: (name: string) => Tensor;
}

export function parameterArena(
  config: ReformerConfig,
  label: string,
  category: "weights" | "gradients" | "optimizer",
): ParameterArena {
  const arena = new Arena(label, category);
  const tensors = new Map<string, Tensor>();
  for (const run of joinedParameters(config)) {
    const parts = run.map(({ name, shape }) => ({ label: name, shape }));
    const label = run.length > 1 ? `${run[0]?.name} and ${run.length - 1} more` : (run[0]?.name ?? "");
    for (const tensor of arena.neighbours(label, parts)) tensors.set(tensor.label, tensor);
  }
  const get = (name: string): Tensor => {
    const tensor = tensors.get(name);
    if (!tensor) throw new Error(`internal: no parameter ${name}`);
    return tensor;
  };
  return { arena, tensors, get };
}

/** Two streams of `tokens` rows, each in an arena of its own: one is read while the other is written. */
export function streamPair(
  config: ReformerConfig,
  labels: readonly [string, string],
  tokens: number,
  bindingBytes: number,
  type: "i32" | "f32",
): Streams {
  const { hiddenSize } = config;
  const make = (label: string): Rows => {
    const arena = new Arena(label, "streams");
    const slab = rowsPerSlab(hiddenSize, bindingBytes);
    return makeRows((name, shape, t) => arena.tensor(name, shape, t), label, tokens, hiddenSize, slab, type);
  };
  return { x1: make(labels[0]), x2: make(labels[1]) };
}

/** What the host writes before a run; only ever read by kernels. */
export interface Inputs {
  readonly control: Tensor;
  /** Control words of the rotations; the same tensor unless the configuration fixes a hash seed. */
  readonly hashControl: Tensor;
  /** u32 [tokens]; of pairs, the targets'. */
  readonly tokens: Tensor;
  /** Of a sequence-to-sequence model. */
  readonly pair: PairTensors | undefined;
  /** Of the head, as `headShapes` says; in i32, -100 is ignored. */
  readonly targets: Tensor;
  /** f32, what each target counts; of heads other than a language model's. */
  readonly weights: Tensor | undefined;
  /** u32 [batch, length]. */
  readonly keyMask: Tensor | undefined;
}

/** `length` is that of the streams; `pair` that of what they are joined from. */
export function inputTensors(
  config: ReformerConfig,
  batch: number,
  length: number,
  masked: boolean,
  pair?: PairLengths,
): Inputs {
  const arena = new Arena("inputs", "state");
  const { targets, targetType, losses, scores } = headShapes(config, batch, length);
  const control = arena.tensor("control", [16], "u32");
  const tokens = arena.tensor("tokens", [batch * (pair?.target ?? length)], "u32");
  return {
    control,
    hashControl: config.hashSeed === null ? control : arena.tensor("hash control", [16], "u32"),
    tokens,
    pair: pair && {
      sources: arena.tensor("source lengths", [batch], "u32"),
      sourceLength: pair.source,
      targetLength: pair.target,
      sourceTokens: arena.tensor("source tokens", [batch * pair.source], "u32"),
      sourceMask: arena.tensor("source mask", [batch, pair.source], "u32"),
      targetTokens: tokens,
    },
    targets: arena.tensor("targets", targets, targetType),
    weights: scores && arena.tensor("target weights", losses),
    keyMask: masked ? arena.tensor("key mask", [batch, length], "u32") : undefined,
  };
}

/** What the host reads after a run. */
export interface Outputs {
  /** u32: largest |stream word| per layer. */
  readonly status: Tensor;
  /** f32, one for each target or row of targets; nats, or squares. */
  readonly losses: Tensor;
  /** f32 as losses: 1 where the prediction is right. */
  readonly correct: Tensor;
  /** f32, logits of heads that keep them; training overwrites them with their gradient. */
  readonly scores: Tensor | undefined;
}

export function outputTensors(config: ReformerConfig, batch: number, length: number): Outputs {
  const arena = new Arena("outputs", "state");
  const { losses, scores } = headShapes(config, batch, length);
  return {
    status: arena.tensor("status", [STATUS_SLOTS], "u32"),
    losses: arena.tensor("losses", losses),
    correct: arena.tensor("correct", losses),
    scores: scores && new Arena("scores", "state").tensor("scores", scores),
  };
}

/** Largest piece in which weights and optimiser state are copied to the host. */
const READBACK_BYTES = 2 ** 20;

/** Bytes of the buffer that parameters are read through. */
export function readbackBytes(config: ReformerConfig): number {
  const largest = Math.max(...parameters(config).map((p) => elements(p.shape) * 4));
  return Math.min(READBACK_BYTES, largest);
}
