// The published models: their settings, and a hub that serves them with weights drawn at random.
import { configFromHuggingFace } from "../../src/config-hugging-face.js";
import { textBytes } from "../../src/io/bytes.js";
import { makeTensor, type Tensor, writeSafetensors } from "../../src/io/safetensors.js";
import { initialValues, parameters } from "../../src/model/parameters.js";
import { type FileServer, serveFiles } from "../io/file-server.js";
import { unigramJson } from "../text/unigram-json.js";

/** The published configurations, as the public model class writes them (hf-semantics 13). */
export const CRIME_AND_PUNISHMENT = {
  model_type: "reformer",
  architectures: ["ReformerModelWithLMHead"],
  vocab_size: 320,
  hidden_size: 256,
  attention_head_size: 64,
  num_attention_heads: 2,
  attn_layers: ["local", "lsh", "local", "lsh", "local", "lsh"],
  feed_forward_size: 512,
  hidden_act: "relu",
  lsh_attn_chunk_length: 64,
  local_attn_chunk_length: 64,
  lsh_num_chunks_before: 1,
  lsh_num_chunks_after: 0,
  local_num_chunks_before: 1,
  local_num_chunks_after: 0,
  num_hashes: 1,
  num_buckets: [64, 128],
  axial_pos_embds: true,
  axial_pos_shape: [512, 1024],
  axial_pos_embds_dim: [64, 192],
  axial_norm_std: 1.0,
  max_position_embeddings: 524288,
  hidden_dropout_prob: 0.05,
  local_attention_probs_dropout_prob: 0.05,
  lsh_attention_probs_dropout_prob: 0.0,
  is_decoder: true,
  tie_word_embeddings: false,
  chunk_size_feed_forward: 0,
  chunk_size_lm_head: 0,
  hash_seed: null,
  layer_norm_eps: 1e-12,
  initializer_range: 0.02,
  pad_token_id: 0,
  eos_token_id: 2,
  num_hidden_layers: 6,
  attention_probs_dropout_prob: 0.1,
  intermediate_size: 3072,
  num_chunks_before: 1,
  num_chunks_after: 0,
  output_past: true,
  task_specific_params: { "text-generation": { do_sample: true, max_length: 100 } },
};
export const ENWIK8 = {
  ...CRIME_AND_PUNISHMENT,
  vocab_size: 258,
  hidden_size: 1024,
  attention_head_size: 128,
  num_attention_heads: 8,
  attn_layers: [
    "local",
    "local",
    "lsh",
    "local",
    "local",
    "local",
    "lsh",
    "local",
    "local",
    "local",
    "lsh",
    "local",
  ],
  num_hidden_layers: 12,
  feed_forward_size: 4096,
  lsh_attn_chunk_length: 256,
  local_attn_chunk_length: 128,
  num_hashes: 4,
  num_buckets: 512,
  axial_pos_shape: [128, 512],
  axial_pos_embds_dim: [256, 768],
  max_position_embeddings: 65536,
  hidden_dropout_prob: 0.2,
  local_attention_probs_dropout_prob: 0.2,
  lsh_attention_probs_dropout_prob: 0.1,
};

export const PUBLISHED = {
  "google/reformer-crime-and-punishment": { settings: CRIME_AND_PUNISHMENT, parameters: 2_748_224 },
  "google/reformer-enwik8": { settings: ENWIK8, parameters: 149_182_722 },
} as const;
export type PublishedName = keyof typeof PUBLISHED;

/**
 * Serves a model's files as the hub does: files of a commit behind a redirect of their own, an ETag, ranges. Weights are
 * drawn from the model's own distribution, in half precision.
 */
export async function serveHub(
  name: PublishedName,
): Promise<{ readonly server: FileServer; readonly fetch: typeof fetch }> {
  const { settings } = PUBLISHED[name];
  const config = configFromHuggingFace(settings);
  const weights = new Map<string, Tensor>();
  for (const [i, one] of parameters(config).entries()) {
    weights.set(one.name, makeTensor(one.shape, initialValues(one, i, 1), "F16"));
  }
  const json = (value: unknown) => textBytes(JSON.stringify(value));
  const files: [string, Uint8Array][] = [
    ["config.json", json(settings)],
    ["model.safetensors", writeSafetensors(weights, new Map([["format", "pt"]]))],
  ];
  // The byte-level model has no tokenizer file.
  if (name !== "google/reformer-enwik8") files.push(["tokenizer.json", json(unigramJson())]);
  const server = await serveFiles(
    files.map(([file, bytes]) => [`stored/${file}`, { bytes, headers: { etag: `"${file}-1"` } }]),
  );
  server.fault = (request, response) => {
    const asked = new RegExp(`^/${name}/resolve/main/([^?]+)`).exec(request.url ?? "");
    if (!asked) return false;
    const known = server.files.has(`stored/${asked[1]}`);
    if (known) response.writeHead(302, { location: `/stored/${asked[1]}` }).end();
    else response.writeHead(404).end("Entry not found");
    return true;
  };
  const hub: typeof fetch = (url, options) =>
    fetch(String(url).replace("https://huggingface.co/", server.url), options);
  return { server, fetch: hub };
}
