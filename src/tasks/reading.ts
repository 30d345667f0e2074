// Texts through the body of the model and into a head: one forward pass, and what it leaves for the host.
import { fillToken, longestLength, paddedLength, type ReformerConfig } from "../config/config.js";
import { ConfigError, TextError } from "../errors.js";
import type { Gpu } from "../gpu/gpu.js";
import { type LayerContext, noGradient, STATUS_SLOTS } from "../layers/context.js";
import type { StoredLayer, Streams } from "../layers/reversible-block.js";
import { rowsPerSlab } from "../layers/rows.js";
import { CONTROL_WORDS, packControl } from "../model/control.js";
import { type ParameterArena, streamPair } from "../model/memory.js";
import { forward } from "../model/stack.js";
import { type DeviceProfile, type Plan, type Planner, plan } from "../scheduler/plan.js";
import { Arena, Recording, type Tensor } from "../scheduler/recording.js";
import { PreparedPlan } from "../scheduler/run.js";
import { encodeText, type Tokenizer } from "../text/tokenizer.js";

/** What a task needs of a model. */
export interface TaskModel {
  readonly config: ReformerConfig;
  readonly tokenizer: Tokenizer;
  readonly seed: number;
  readonly gpu: Gpu;
  readonly planner: Planner;
  readonly weights: ParameterArena;
  /** Holds the weights. */
  readonly base: PreparedPlan;
}

/** Most bytes read back at once. */
const READBACK_BYTES = 2 ** 20;

/** Makes a tensor that the host reads; f32 unless said. */
export type Output = (label: string, shape: readonly number[], type?: "f32" | "u32") => Tensor;

/** Has i32 or f32 values written to a tensor before what is recorded runs. */
export type Input = (tensor: Tensor, values: Int32Array<ArrayBuffer>) => void;

/** Records what is read of the final states. It may be asked again, for a plan of other forms of kernels. */
export type RecordOutputs = (
  context: LayerContext,
  streams: Streams,
  io: { readonly output: Output; readonly input: Input },
  tokens: Tensor,
  stored: readonly (StoredLayer | undefined)[],
) => void;

export interface ReadOptions {
  readonly signal?: AbortSignal | undefined;
  /** Keeps what the way back through the layers needs. */
  readonly store?: boolean | undefined;
  /** Records something about the streams that a layer is about to read. */
  readonly before?: (context: LayerContext, streams: Streams, layer: number, output: Output) => void;
}

/**
 * Reads a batch of token sequences, padded on the right and masked, and returns the tensors that `record` made by
 * `output`. Each label must be another.
 * @throws {TextError} {ShapeError} where a sequence is empty or too long
 */
export async function read(
  model: TaskModel,
  sequences: readonly Uint32Array[],
  record: RecordOutputs,
  options: ReadOptions = {},
): Promise<Map<string, Float32Array | Uint32Array>> {
  const { config, gpu, planner, base, seed } = model;
  const { signal } = options;
  if (config.head === "sequence-to-sequence") {
    throw new ConfigError(
      "A sequence-to-sequence model reads a source and writes a target: ask it with convert(); this call needs a model of one sequence.",
      { field: "head" },
    );
  }
  const batch = sequences.length;
  const lengths = sequences.map((tokens) => tokens.length);
  if (lengths.includes(0)) throw new TextError("The text is empty: give one of at least one token.");
  const length = paddedLength(config, Math.max(...lengths));
  const sizes = { batch, length, masked: lengths.some((n) => n < length) };
  const planned = await planner.plan((profile) => planReading(model, sizes, profile, record, options));
  const { tokens, keyMask, control, hashControl, inputs, outputs } = planned;
  const prepared = await PreparedPlan.create(gpu, planned.plan, { shared: base, signal });
  try {
    prepared.write(control, packControl({ seed, draw: 0, lossScale: 1 }));
    if (config.hashSeed !== null)
      prepared.write(hashControl, packControl({ seed: config.hashSeed, draw: 0 }));
    const ids = new Uint32Array(batch * length).fill(fillToken(config));
    const mask = new Uint32Array(batch * length);
    for (const [row, sequence] of sequences.entries()) {
      ids.set(sequence, row * length);
      mask.fill(1, row * length, row * length + sequence.length);
    }
    prepared.write(tokens, ids);
    if (keyMask) prepared.write(keyMask, mask);
    for (const [tensor, values] of inputs) prepared.write(tensor, values);
    await prepared.run(0, { signal });
    const results = new Map<string, Float32Array | Uint32Array>();
    for (const [label, tensor] of outputs) {
      results.set(label, (await prepared.read(tensor)) as Float32Array | Uint32Array);
    }
    return results;
  } finally {
    prepared.dispose();
  }
}

interface ReadingPlan {
  readonly plan: Plan;
  /** u32 [batch · length]. */
  readonly tokens: Tensor;
  /** u32 [batch, length], 1 = real token; absent where nothing is padded. */
  readonly keyMask: Tensor | undefined;
  readonly control: Tensor;
  readonly hashControl: Tensor;
  readonly inputs: ReadonlyMap<Tensor, Int32Array<ArrayBuffer>>;
  readonly outputs: ReadonlyMap<string, Tensor>;
}

/** Plans the forward pass of sequences of `length` tokens each, and what `record` adds. */
function planReading(
  { config, weights }: TaskModel,
  sizes: { readonly batch: number; readonly length: number; readonly masked: boolean },
  profile: DeviceProfile,
  record: RecordOutputs,
  { before, store = false }: ReadOptions,
): ReadingPlan {
  const { batch, length, masked } = sizes;
  const given = new Arena("inputs", "state");
  const control = given.tensor("control", [CONTROL_WORDS], "u32");
  const hashControl =
    config.hashSeed === null ? control : given.tensor("hash control", [CONTROL_WORDS], "u32");
  const tokens = given.tensor("tokens", [batch * length], "u32");
  const keyMask = masked ? given.tensor("key mask", [batch, length], "u32") : undefined;
  const bindingBytes = profile.maxStorageBufferBindingSize;
  const streams = streamPair(config, ["x1", "x2"], batch * length, bindingBytes, "i32");
  const context: LayerContext = {
    recording: new Recording(),
    config,
    batch,
    length,
    fixedPoint: false,
    training: false,
    keyMask,
    control,
    hashControl,
    status: new Arena("status", "state").tensor("status", [STATUS_SLOTS], "u32"),
    weight: weights.get,
    gradient: noGradient,
    slabRows: (width) => rowsPerSlab(width, bindingBytes),
    broken: profile.broken,
    given: {},
  };
  const outputs = new Map<string, Tensor>();
  const output: Output = (label, shape, type) => {
    const tensor = new Arena(label, "state").tensor(label, shape, type);
    outputs.set(label, tensor);
    return tensor;
  };
  const stored = forward(context, tokens, streams, {
    store,
    ...(before && { before: (layer: number) => before(context, streams, layer, output) }),
  });
  const inputs = new Map<Tensor, Int32Array<ArrayBuffer>>();
  const input: Input = (tensor, values) => void inputs.set(tensor, values);
  context.recording.scope("head", () => record(context, streams, { output, input }, tokens, stored));
  const largest = Math.max(4, ...[...outputs.values()].map(({ byteLength }) => byteLength));
  const planned = plan([context.recording], profile, { readbacks: [Math.min(READBACK_BYTES, largest)] });
  return { plan: planned, tokens, keyMask, control, hashControl, inputs, outputs };
}

/** @throws {ConfigError} where the model has another head than a task needs */
export function needHead(
  { config }: Pick<TaskModel, "config">,
  needed: ReformerConfig["head"],
  task: string,
): void {
  if (config.head === needed) return;
  throw new ConfigError(
    `${task} needs a ${needed} head, but this model's head is ${config.head}: load such a model, or give it one with replaceHead() and fineTune().`,
    { field: "head" },
  );
}

/**
 * The tokens of a text, at most those the model can read; the rest is left out.
 * @throws {TextError} where there are none; signal.reason on abort
 */
export async function encodeCut(
  { config, tokenizer }: Pick<TaskModel, "config" | "tokenizer">,
  text: string,
  signal?: AbortSignal,
): Promise<Uint32Array> {
  const tokens = (await encodeText(tokenizer, text, { signal })).subarray(0, readableLength(config));
  if (tokens.length === 0) throw new TextError("The text is empty: give one of at least one token.");
  return tokens;
}

/** Longest sequence that can still be padded to whole chunks. */
export function readableLength(config: ReformerConfig): number {
  let length = longestLength(config);
  for (; length > 1; length--) {
    try {
      paddedLength(config, length);
      return length;
    } catch {
      // Padded, it is longer than the positions.
    }
  }
  return length;
}

/** Probabilities of logits. */
export function softmax(logits: ArrayLike<number>): Float64Array {
  const values = Float64Array.from(logits);
  const largest = values.reduce((a, b) => Math.max(a, b));
  const exponentials = values.map((x) => Math.exp(x - largest));
  const total = exponentials.reduce((a, b) => a + b);
  return exponentials.map((x) => x / total);
}

/** Indices of the k largest values, the largest first; of equals the first. */
export function largest(values: ArrayLike<number>, k: number): number[] {
  const order = Array.from(values, (_, i) => i).sort(
    (a, b) => (values[b] as number) - (values[a] as number) || a - b,
  );
  return order.slice(0, k);
}

/** @throws {ConfigError} where a count is no whole number from 1 on */
export function checkCount(field: string, value: number): number {
  if (Number.isInteger(value) && value >= 1) return value;
  throw new ConfigError(`${field} is ${value}, but must be a whole number from 1 on.`, { field });
}
