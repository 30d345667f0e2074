// What a saved folder holds, for each of the five public model classes: names, shapes and settings as their own files have
// them (transformers 4.27, modeling_reformer.py).
import { expect, test } from "vitest";
import { type ReformerOptions, resolveConfig } from "../../src/config/config.js";
import { readModelFiles, writeModelFiles } from "../../src/engine/files.js";
import { makeTensor, readSafetensors } from "../../src/io/safetensors.js";
import { initialValues, parameters } from "../../src/model/parameters.js";
import { byteTokenizer } from "../../src/text/byte-tokenizer.js";

const [V, E, H, D, F] = [256, 16, 2, 4, 24];
const A = H * D;
const LABELS = 3;

const attention = (...projections: string[]) => ({
  "attention.layer_norm.weight": [E],
  "attention.layer_norm.bias": [E],
  ...Object.fromEntries(projections.map((name) => [`attention.self_attention.${name}.weight`, [A, E]])),
  "attention.output.dense.weight": [E, A],
});
const FEED_FORWARD = {
  "feed_forward.layer_norm.weight": [E],
  "feed_forward.layer_norm.bias": [E],
  "feed_forward.dense.dense.weight": [F, E],
  "feed_forward.dense.dense.bias": [F],
  "feed_forward.output.dense.weight": [E, F],
  "feed_forward.output.dense.bias": [E],
};
const prefixed = (prefix: string, shapes: Readonly<Record<string, number[]>>) =>
  Object.fromEntries(Object.entries(shapes).map(([name, shape]) => [prefix + name, shape]));

const AXIAL = {
  "embeddings.position_embeddings.weights.0": [8, 1, 4],
  "embeddings.position_embeddings.weights.1": [1, 16, 12],
};
const THREE_AXES = {
  "embeddings.position_embeddings.weights.0": [4, 1, 1, 2],
  "embeddings.position_embeddings.weights.1": [1, 2, 1, 2],
  "embeddings.position_embeddings.weights.2": [1, 1, 16, 12],
};
const LEARNED = { "embeddings.position_embeddings.embedding.weight": [128, E] };
const body = (positions: Readonly<Record<string, number[]>>) => ({
  "embeddings.word_embeddings.weight": [V, E],
  ...positions,
  ...prefixed("encoder.layers.0.", { ...attention("query", "key", "value"), ...FEED_FORWARD }),
  ...prefixed("encoder.layers.1.", { ...attention("query_key", "value"), ...FEED_FORWARD }),
  "encoder.layer_norm.weight": [2 * E],
  "encoder.layer_norm.bias": [2 * E],
});
const VOCABULARY_HEAD = {
  "lm_head.decoder.weight": [V, 2 * E],
  "lm_head.bias": [V],
  "lm_head.decoder.bias": [V],
};
const axial = prefixed("reformer.", body(AXIAL));

const CLASSES: readonly [
  name: string,
  options: ReformerOptions,
  tensors: Readonly<Record<string, number[]>>,
  settings: object,
][] = [
  ["ReformerModel", { head: "none", causal: false }, body(AXIAL), { is_decoder: false }],
  [
    "ReformerModel",
    {
      head: "none",
      causal: false,
      positions: { type: "axial", shape: [4, 2, 16], dims: [2, 2, 12] },
    },
    body(THREE_AXES),
    {
      is_decoder: false,
      axial_pos_embds: true,
      axial_pos_shape: [4, 2, 16],
      axial_pos_embds_dim: [2, 2, 12],
    },
  ],
  [
    "ReformerModelWithLMHead",
    { head: "language-model", causal: true },
    { ...axial, ...VOCABULARY_HEAD },
    { is_decoder: true },
  ],
  [
    "ReformerForMaskedLM",
    { head: "masked-language-model", causal: false, maskTokenId: 1 },
    { ...axial, ...VOCABULARY_HEAD },
    { is_decoder: false },
  ],
  [
    "ReformerForSequenceClassification",
    { head: "classification", causal: false, labels: ["a", "b", "c"] },
    {
      ...axial,
      "classifier.dense.weight": [E, 2 * E],
      "classifier.dense.bias": [E],
      "classifier.out_proj.weight": [LABELS, E],
      "classifier.out_proj.bias": [LABELS],
    },
    {
      num_labels: LABELS,
      id2label: { 0: "a", 1: "b", 2: "c" },
      label2id: { a: 0, b: 1, c: 2 },
      problem_type: "single_label_classification",
    },
  ],
  [
    "ReformerForQuestionAnswering",
    {
      head: "question-answering",
      causal: false,
      positions: { type: "learned", maxLength: 128 },
    },
    { ...prefixed("reformer.", body(LEARNED)), "qa_outputs.weight": [2, 2 * E], "qa_outputs.bias": [2] },
    { axial_pos_embds: false },
  ],
];

/** Fields of the public configuration class with effect; a file of ours names every one. */
const SETTINGS = {
  attention_head_size: D,
  attn_layers: ["local", "lsh"],
  axial_norm_std: 1,
  chunk_size_feed_forward: 0,
  chunk_size_lm_head: 0,
  eos_token_id: 2,
  feed_forward_size: F,
  hash_seed: null,
  hidden_act: "relu",
  hidden_dropout_prob: 0.05,
  hidden_size: E,
  initializer_range: 0.02,
  layer_norm_eps: 1e-12,
  local_attention_probs_dropout_prob: 0.05,
  local_attn_chunk_length: 8,
  local_num_chunks_after: 0,
  local_num_chunks_before: 1,
  lsh_attention_probs_dropout_prob: 0,
  lsh_attn_chunk_length: 8,
  lsh_num_chunks_after: 0,
  lsh_num_chunks_before: 1,
  max_position_embeddings: 128,
  model_type: "reformer",
  num_attention_heads: H,
  num_buckets: [4, 2],
  num_hashes: 2,
  num_hidden_layers: 2,
  pad_token_id: 0,
  tie_word_embeddings: false,
  vocab_size: V,
};
const AXIAL_SETTINGS = {
  axial_pos_embds: true,
  axial_pos_shape: [8, 16],
  axial_pos_embds_dim: [4, 12],
};

test.each(CLASSES)(
  "%s is saved with the public names, shapes and settings, and read again to the byte",
  async (name, options, tensors, settings) => {
    const config = resolveConfig({
      vocabSize: V,
      hiddenSize: E,
      numHeads: H,
      headSize: D,
      feedForwardSize: F,
      activation: "relu",
      layers: ["local", "lsh"],
      localChunkLength: 8,
      lshChunkLength: 8,
      numHashes: 2,
      numBuckets: [4, 2],
      positions: { type: "axial", shape: [8, 16], dims: [4, 12] },
      maxLength: 128,
      layerNormEps: 1e-12,
      axialInitStd: 1,
      hiddenDropout: 0.05,
      localDropout: 0.05,
      padTokenId: 0,
      eosTokenId: 2,
      ...options,
    });
    const weights = new Map(
      parameters(config).map((one, i) => [one.name, makeTensor(one.shape, initialValues(one, i, 1))]),
    );
    const files = writeModelFiles(config, byteTokenizer(), weights);
    const saved = readSafetensors(files["model.safetensors"]!).tensors;
    const shapes = Object.fromEntries([...saved].map(([tensor, { shape }]) => [tensor, [...shape]]));
    expect(shapes).toEqual(tensors);

    const json = JSON.parse(new TextDecoder().decode(files["config.json"]));
    const positions = options.positions ? {} : AXIAL_SETTINGS;
    expect(json).toEqual({
      ...SETTINGS,
      ...positions,
      architectures: [name],
      is_decoder: false,
      ...(options.maskTokenId === undefined ? {} : { mask_token_id: options.maskTokenId }),
      ...settings,
    });

    const read = await readModelFiles(files);
    const named = new Map(
      [...weights.keys()].map((key) => [
        key,
        read.weights.tensors.get(key) ?? read.weights.tensors.get(key.replace("reformer.", ""))!,
      ]),
    );
    expect(writeModelFiles(read.config, read.tokenizer, named)).toEqual(files);
  },
);

test.each(["torch_dtype", "dtype"])("config.json names as %s the dtype that the weights have", (name) => {
  const config = resolveConfig({ extra: { [name]: "float16" } });
  const dtypeOf = (options: Parameters<typeof writeModelFiles>[3], given = config, called = name) =>
    JSON.parse(
      new TextDecoder().decode(writeModelFiles(given, byteTokenizer(), new Map(), options)["config.json"]),
    )[called];
  expect(dtypeOf({})).toBe("float32");
  expect(dtypeOf({ dtype: "bfloat16" })).toBe("bfloat16");
  expect(dtypeOf({ dtype: "bfloat16" }, config, "torch_dtype")).toBe("bfloat16");
  expect(dtypeOf({}, resolveConfig())).toBeUndefined();
});
