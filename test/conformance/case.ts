// One recorded case in this project's terms: what was called, padded, hashed and dropped.
import {
  bucketFactors,
  paddedLength,
  type ReformerConfig,
  runsFullAttention,
} from "../../src/config/config.js";

export interface RecordedTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array | Float64Array | Int32Array;
}

export interface CaseEntry {
  readonly name: string;
  readonly kind: string;
}

/** How far a value may be from the recorded one: atol + rtol·|recorded|. */
export interface Tolerance {
  readonly atol: number;
  readonly rtol: number;
}

export interface Case extends CaseEntry {
  readonly config: ReformerConfig;
  /** How the recorded implementation was called. */
  readonly call: Readonly<Record<string, unknown>>;
  /** What else was recorded of the run. */
  readonly details: Readonly<Record<string, unknown>>;
  readonly tensors: ReadonlyMap<string, RecordedTensor>;
  readonly tolerances: Readonly<Record<string, Tolerance>>;
  /** Heads that attention computes at a time, where not all. */
  readonly headGroup?: number | undefined;
}

/** @throws {Error} where the case does not have the tensor */
export function tensorOf({ name, tensors }: Case, key: string): RecordedTensor {
  const tensor = tensors.get(key);
  if (!tensor) throw new Error(`${name} has no tensor ${key}`);
  return tensor;
}

/** Tokens of the call as the model runs them: padded on the right, with the mask that padding brings. */
export interface CallShape {
  readonly batch: number;
  /** As called. */
  readonly length: number;
  /** As run. */
  readonly padded: number;
  /** [batch, padded], 1 = real token. */
  readonly keyMask: Uint32Array | undefined;
  readonly training: boolean;
}

export function callShape({ config, call, tensors }: Case, pads = false): CallShape {
  const batch = Number(call.batch_size);
  const length = Number(call.sequence_length);
  const padded = pads ? paddedLength(config, length) : length;
  const given = tensors.get("input/attention_mask")?.data;
  const masked = given !== undefined || padded > length;
  const real = (row: number, t: number) => (t < length ? Number(given?.[row * length + t] ?? 1) : 0);
  const keyMask = Uint32Array.from({ length: batch * padded }, (_, i) =>
    real(Math.floor(i / padded), i % padded),
  );
  return { batch, length, padded, keyMask: masked ? keyMask : undefined, training: call.mode === "train" };
}

/** Rows of `length` padded to `padded` with `fill`. */
export function padRows(
  data: ArrayLike<number>,
  { batch, length, padded }: CallShape,
  fill: number,
): Int32Array<ArrayBuffer> {
  return Int32Array.from({ length: batch * padded }, (_, i) =>
    i % padded < length ? (data[Math.floor(i / padded) * length + (i % padded)] as number) : fill,
  );
}

/** The hash of one layer as recorded. */
export interface RecordedHash {
  /** [heads, headSize, rounds, columns]. */
  readonly rotations: Float32Array<ArrayBuffer>;
  readonly columns: number;
  readonly factors: readonly number[];
  /** [batch, heads, rounds, length], without round offsets. */
  readonly buckets: Uint32Array<ArrayBuffer>;
}

/**
 * Rotations and bucket ids under `prefix`; undefined where the length needs no hash.
 * Recorded ids of round n are larger by n times the number of ids, which counts the padding's bucket if there is padding.
 */
function recordedHash(c: Case, prefix: string, shape: CallShape, step = 0): RecordedHash | undefined {
  const { config } = c;
  if (runsFullAttention(config, "lsh", shape.padded)) return undefined;
  const factors = bucketFactors(config, shape.padded);
  const columns = factors.reduce((sum, f) => sum + f / 2, 0);
  const padding = shape.keyMask?.includes(0) ?? false;
  const ids = factors.reduce((a, b) => a * b, 1) + Number(padding);
  const { numHeads, headSize, numHashes } = config;
  const count = shape.batch * numHeads * numHashes * shape.padded;
  const all = tensorOf(c, `${prefix}buckets`).data.subarray(step * count, (step + 1) * count);
  const buckets = Uint32Array.from(all, (id, i) => {
    const round = Math.floor(i / shape.padded) % numHashes;
    const own = id - round * ids;
    if (own < 0 || own >= ids)
      throw new Error(`${c.name}: ${prefix}buckets[${i}] is ${id}, not of round ${round}`);
    return own;
  });
  const size = numHeads * headSize * numHashes * columns;
  const rotations = tensorOf(c, `${prefix}rotations`).data.subarray(step * size, (step + 1) * size);
  return { rotations: Float32Array.from(rotations), columns, factors, buckets };
}

/** The recorded hashes of a case by layer; a single module is layer 0. */
export function recordedHashes(c: Case, shape: CallShape, step = 0): Map<number, RecordedHash> {
  const hashes = new Map<number, RecordedHash>();
  c.config.layers.forEach((kind, layer) => {
    const places = [
      `hash/reformer.encoder.layers.${layer}.attention.self_attention/`,
      "hash/layer/",
      "", // the paper's
    ];
    const place = places.find((prefix) => c.tensors.has(`${prefix}buckets`));
    const hash = kind === "lsh" && place !== undefined ? recordedHash(c, place, shape, step) : undefined;
    if (hash) hashes.set(layer, hash);
  });
  return hashes;
}

/** Where a case's parameter stands in the whole model: modules are recorded under their own short names. */
const PREFIXES: Readonly<Record<string, string>> = {
  lsh_attention: "reformer.encoder.layers.0.attention.self_attention.",
  local_attention: "reformer.encoder.layers.0.attention.self_attention.",
  feed_forward: "reformer.encoder.layers.0.feed_forward.",
  embeddings: "reformer.embeddings.",
  reversible_layer: "reformer.encoder.layers.0.",
};

/** Parameters by their name in the whole model, each with the case's own name. */
export function parametersOf({
  kind,
  tensors,
}: Case): Map<string, RecordedTensor & { readonly own: string }> {
  const prefix = PREFIXES[kind] ?? "";
  return new Map(
    [...tensors].flatMap(([key, tensor]) => {
      if (!key.startsWith("weight/")) return [];
      const own = key.slice("weight/".length);
      return [[prefix + own, { ...tensor, own }] as const];
    }),
  );
}

/** Keep masks by dropout place ("0.attention.output"; layer -1 is the embedding and the output). */
export function keepMasks(c: Case): Map<string, Uint32Array<ArrayBuffer>> {
  const { kind, config, tensors } = c;
  const probabilities = (layer: number) =>
    [
      `${layer}.attention.probabilities`,
      config.layers[layer] === "lsh" ? config.lshDropout : config.localDropout,
    ] as const;
  const modules: Record<string, readonly (readonly [place: string, tensor: string])[]> = {
    lsh_attention: [["0.attention.probabilities", "attention_probs_keep"]],
    local_attention: [["0.attention.probabilities", "attention_probs_keep"]],
    feed_forward: [
      ["0.feedForward.inner", "after_first_dense_keep"],
      ["0.feedForward.output", "after_second_dense_keep"],
    ],
    embeddings: [
      ["-1.word", "word_keep"],
      ["-1.position", "position_keep"],
    ],
  };
  const hidden = config.hiddenDropout;
  const layers = config.layers.flatMap((_, layer) => [
    probabilities(layer),
    [`${layer}.attention.output`, hidden] as const,
    [`${layer}.feedForward.inner`, hidden] as const,
    [`${layer}.feedForward.output`, hidden] as const,
  ]);
  const model: readonly (readonly [place: string, rate: number])[] = [
    ["-1.word", hidden],
    ["-1.position", hidden],
    ...layers,
    ["-1.final", hidden],
    ...(kind === "classification" ? classifierPlaces(config) : []),
  ];
  const called = kind === "reversible_layer" ? layers : model;
  const inOrder = called.filter(([, rate]) => rate > 0);
  const names =
    modules[kind] ?? inOrder.map(([place], i) => [place, `${String(i).padStart(2, "0")}_keep`] as const);
  const masks = new Map<string, Uint32Array<ArrayBuffer>>();
  for (const [place, name] of names) {
    const mask = tensors.get(`dropout/${name}`);
    if (!mask) continue;
    const used = kind === "classification" && place === "-1.final" ? firstRows(mask) : mask.data;
    masks.set(place, Uint32Array.from(used));
  }
  const recorded = [...tensors.keys()].filter((key) => key.startsWith("dropout/")).length;
  if (masks.size !== recorded) {
    throw new Error(
      `${c.name}: ${recorded} keep masks are recorded, places for ${masks.size} of them are known`,
    );
  }
  return masks;
}

function classifierPlaces({ classifierDropout, hiddenDropout }: ReformerConfig) {
  const rate = classifierDropout ?? hiddenDropout;
  return [["-1.classifier.input", rate] as const, ["-1.classifier.inner", rate] as const];
}

/** The first row of each sequence of a [batch, length, width] mask: all that a classifier reads. */
function firstRows({ shape, data }: RecordedTensor): number[] {
  const [, length = 1, width = 1] = shape;
  return Array.from(data).filter((_, i) => Math.floor(i / width) % length === 0);
}

/**
 * How the optimiser of a training run was called.
 * @throws {Error} where it was no AdamW
 */
export function optimizerCall({ name: caseName, call }: Case) {
  const {
    name,
    betas,
    eps,
    weight_decay: weightDecay,
    all_parameters_decayed: decaysAll = true,
  } = call.optimizer as {
    readonly all_parameters_decayed?: boolean;
    readonly name: string;
    readonly betas: readonly [number, number];
    readonly eps: number;
    readonly weight_decay: number;
  };
  if (!name.startsWith("AdamW")) throw new Error(`${caseName} trains with ${name}, but AdamW is needed`);
  return {
    steps: Number(call.steps),
    betas,
    eps,
    weightDecay,
    decaysAll,
    /** 0: no clipping. */
    clipNorm: Number(call.clip_global_norm ?? 0),
  };
}

/** Token ids of one step of a training run: inputs and labels alike. */
export function stepTokens(c: Case, { batch, length }: CallShape, step: number): Int32Array<ArrayBuffer> {
  return Int32Array.from(
    tensorOf(c, "input/token_ids").data.subarray(step * batch * length, (step + 1) * batch * length),
  );
}
