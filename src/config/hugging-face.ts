// The one place that knows the configuration names of public Reformer checkpoints (config.json).
//
// Keys a file leaves out have the defaults of the public model class, which are not ours.
//
// What it does not express (layer kind "full", and OWN_FIELDS) is written under `webgpu_reformer`, except the layer kind,
// which stays in attn_layers: other readers then refuse the file, rightly.
// The two stacks of a sequence-to-sequence model are written there too, and a kind of that name stands in attn_layers.

import { ConfigError } from "../errors.js";
import type { Activation, ReformerConfig, ReformerOptions } from "./config.js";
import { resolveConfig } from "./config.js";
import { HEAD_KEYS, headFromHuggingFace, headToHuggingFace } from "./hugging-face-heads.js";

/** Fields whose value is the same on both sides: [ours, theirs, their default]. */
const SAME = [
  ["vocabSize", "vocab_size", 320],
  ["hiddenSize", "hidden_size", 256],
  ["numHeads", "num_attention_heads", 12],
  ["headSize", "attention_head_size", 64],
  ["layers", "attn_layers", ["local", "lsh", "local", "lsh", "local", "lsh"]],
  ["feedForwardSize", "feed_forward_size", 512],
  ["causal", "is_decoder", false],
  ["maxLength", "max_position_embeddings", 4096],
  ["layerNormEps", "layer_norm_eps", 1e-12],
  ["lshChunkLength", "lsh_attn_chunk_length", 64],
  ["localChunkLength", "local_attn_chunk_length", 64],
  ["lshChunksBefore", "lsh_num_chunks_before", 1],
  ["lshChunksAfter", "lsh_num_chunks_after", 0],
  ["localChunksBefore", "local_num_chunks_before", 1],
  ["localChunksAfter", "local_num_chunks_after", 0],
  ["numHashes", "num_hashes", 1],
  ["hiddenDropout", "hidden_dropout_prob", 0.05],
  ["lshDropout", "lsh_attention_probs_dropout_prob", 0],
  ["localDropout", "local_attention_probs_dropout_prob", 0.05],
  ["feedForwardChunk", "chunk_size_feed_forward", 0],
  ["headChunk", "chunk_size_lm_head", 0],
  ["initializerRange", "initializer_range", 0.02],
  ["axialInitStd", "axial_norm_std", 1],
  ["padTokenId", "pad_token_id", 0],
  ["eosTokenId", "eos_token_id", 2],
  ["hashSeed", "hash_seed", null],
] as const satisfies readonly (readonly [keyof ReformerConfig, string, unknown])[];

/** Fields translated by hand below. */
const TRANSLATED = {
  activation: "hidden_act",
  numBuckets: "num_buckets",
  positions: "axial_pos_embds",
  "positions.shape": "axial_pos_shape",
  "positions.dims": "axial_pos_embds_dim",
  "positions.maxLength": "max_position_embeddings",
} as const;

const OWN = "webgpu_reformer";
/** In place of the layers, which other readers would take for those of a language model: so they refuse the file. */
const PAIR = "sequence-to-sequence";
const OWN_FIELDS = [
  "hashing",
  "duplicates",
  "acrossBuckets",
  "fullAttentionBelow",
  "classifierPooling",
] as const;

/** Their other names of the same functions. */
const ACTIVATION_ALIASES: ReadonlyMap<unknown, Activation> = new Map([
  ["gelu_python", "gelu"],
  ["gelu_pytorch_tanh", "gelu_new"],
  ["gelu_python_tanh", "gelu_new"],
  ["gelu_fast", "gelu_new"],
  ["gelu_accurate", "gelu_new"],
  ["swish", "silu"],
]);

const THEIRS = new Map<string, string>([
  ...SAME.map(([ours, theirs]) => [ours, theirs] as const),
  ...Object.entries(TRANSLATED),
]);

/** Keys this file understands; all others are kept in `extra`. */
const KNOWN = new Set([
  ...THEIRS.values(),
  ...HEAD_KEYS,
  OWN,
  "model_type",
  "num_hidden_layers",
  "tie_word_embeddings",
]);

/** Names a field as both sides call it, so that the owner of a config.json finds it. */
function bothNames(field: string): string {
  const [base = "", index = ""] = field.split(/(?=\[)/);
  const theirs = THEIRS.get(base);
  return theirs === undefined ? field : `${theirs}${index} (our ${field})`;
}

/**
 * Reads the parsed config.json of a public Reformer checkpoint; keys left out get the public class's defaults.
 * @throws ConfigError naming the field
 */
export function configFromHuggingFace(json: unknown): ReformerConfig {
  if (typeof json !== "object" || json === null || Array.isArray(json)) {
    throw new ConfigError(
      'config.json must hold one JSON object of settings, such as { "model_type": "reformer" }.',
    );
  }
  const entries = new Map<string, unknown>(Object.entries(json));
  const refuse = (field: string, given: unknown, needed: string): never => {
    throw new ConfigError(`${field} is ${JSON.stringify(given)}, but ${needed}.`, { field });
  };
  const read = (key: string, fallback: unknown): unknown => (entries.has(key) ? entries.get(key) : fallback);

  const type = read("model_type", "reformer");
  if (type !== "reformer") refuse("model_type", type, 'must be "reformer": this library runs no other model');
  const tied = read("tie_word_embeddings", false);
  if (tied !== false) {
    refuse(
      "tie_word_embeddings",
      tied,
      "must be false: the head reads both streams and cannot share the embedding's shape",
    );
  }
  const axial = read("axial_pos_embds", true);
  if (typeof axial !== "boolean") refuse("axial_pos_embds", axial, "must be true or false");
  const own = read(OWN, {});
  if (typeof own !== "object" || own === null)
    refuse(OWN, own, "must be an object of this library's settings");

  const options: Record<string, unknown> = {};
  for (const [ours, theirs, fallback] of SAME) options[ours] = read(theirs, fallback);
  if (String(options.layers) === PAIR) {
    const { layers = null, encoderLayers = null } = own as Record<string, unknown>;
    Object.assign(options, { layers, encoderLayers });
  }
  Object.assign(options, headFromHuggingFace(entries));
  const activation = read("hidden_act", "relu");
  options.activation = ACTIVATION_ALIASES.get(activation) ?? activation;
  const buckets = read("num_buckets", null);
  options.numBuckets = buckets === null ? "auto" : buckets;
  options.positions = axial
    ? {
        type: "axial",
        shape: read("axial_pos_shape", [64, 64]),
        dims: read("axial_pos_embds_dim", [64, 192]),
      }
    : { type: "learned", maxLength: options.maxLength };
  for (const field of OWN_FIELDS) options[field] = (own as Record<string, unknown>)[field];
  // Another name of an activation is kept, too.
  const kept = (key: string) =>
    !KNOWN.has(key) || (key === "hidden_act" && ACTIVATION_ALIASES.has(activation));
  options.extra = Object.fromEntries([...entries].filter(([key]) => kept(key)));
  return resolveConfig(options as ReformerOptions, bothNames);
}

/** Settings that are no counts. Newer readers take a number without a decimal point for a count, and refuse the file. */
const FRACTIONS = [
  "hidden_dropout_prob",
  "lsh_attention_probs_dropout_prob",
  "local_attention_probs_dropout_prob",
  "classifier_dropout",
  "layer_norm_eps",
  "initializer_range",
  "axial_norm_std",
];
const WHOLE_FRACTION = new RegExp(`^( {2}"(?:${FRACTIONS.join("|")})": -?\\d+)(?=,?$)`, "gm");

/** The text of a config.json: `configToHuggingFace`'s settings, and what else belongs there. */
export function configText(settings: Readonly<Record<string, unknown>>): string {
  return `${JSON.stringify(settings, null, 2).replace(WHOLE_FRACTION, "$1.0")}\n`;
}

/** The config.json of a configuration, keys in alphabetical order, unknown keys as they came. */
export function configToHuggingFace(config: ReformerConfig): Record<string, unknown> {
  const { positions, layers, numBuckets } = config;
  const out = new Map<string, unknown>(Object.entries(config.extra));
  headToHuggingFace(config, out);
  out.set("model_type", "reformer");
  out.set("num_hidden_layers", layers.length);
  out.set("tie_word_embeddings", false);
  for (const [ours, theirs] of SAME) out.set(theirs, config[ours]);
  if (ACTIVATION_ALIASES.get(out.get("hidden_act")) !== config.activation) {
    out.set("hidden_act", config.activation);
  }
  out.set("num_buckets", numBuckets === "auto" ? null : numBuckets);
  out.set("axial_pos_embds", positions.type === "axial");
  if (positions.type === "axial") {
    out.set("axial_pos_shape", positions.shape);
    out.set("axial_pos_embds_dim", positions.dims);
  }
  const defaults = resolveConfig();
  const pair = config.head === "sequence-to-sequence";
  const changed: (keyof ReformerConfig)[] = OWN_FIELDS.filter((field) => config[field] !== defaults[field]);
  if (pair) changed.push("layers", "encoderLayers");
  if (changed.length > 0) out.set(OWN, Object.fromEntries(changed.map((field) => [field, config[field]])));
  if (pair) out.set("attn_layers", [PAIR]).set("num_hidden_layers", 1);
  return Object.fromEntries([...out].sort(([a], [b]) => (a < b ? -1 : 1)));
}
