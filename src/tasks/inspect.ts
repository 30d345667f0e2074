// What one head of one layer does with one text: buckets, sorted order, candidates and weights.
import { type ReformerConfig, runsFullAttention } from "../config/config.js";
import { withHashing } from "../config/hashing.js";
import { ConfigError } from "../errors.js";
import { projectHeads } from "../layers/attention.js";
import { bucketIds } from "../layers/attention-heads.js";
import { recordBucketSort } from "../layers/bucket-sort.js";
import { hash } from "../layers/hash.js";
import type { Tensor } from "../scheduler/recording.js";
import type { Inspection, InspectOptions } from "../types-tasks.js";
import { encodeCut, type Output, type ReadOptions, read, type TaskModel } from "./reading.js";

/**
 * Queries, keys, buckets and order of one head; `attentionOf` and its neighbours compute weights from them.
 * @throws {ConfigError} where the model has no such layer or head
 */
export async function inspect(
  model: TaskModel,
  text: string,
  { layer, head = 0, hashing, numHashes, signal }: InspectOptions,
): Promise<Inspection> {
  const { tokenizer } = model;
  const config = withHashing(model.config, { hashing, numHashes });
  const { layers, numHeads } = config;
  const kind = layers[layer];
  if (kind === undefined) throw outside("layer", layer, layers.length);
  if (!Number.isInteger(head) || head < 0 || head >= numHeads) throw outside("head", head, numHeads);
  const tokens = await encodeCut(model, text, signal);
  let length = 0;
  const before: ReadOptions["before"] = (context, streams, current, output) => {
    if (current !== layer) return;
    const { recording } = context;
    length = context.length;
    const { heads } = projectHeads(context, layer, kind, streams.x2);
    const keep = (name: string, tensor: Tensor, type?: Parameters<Output>[2]) =>
      recording.copy(tensor, output(name, tensor.shape, type));
    keep("queries", heads.query);
    if (heads.key) keep("keys", heads.key);
    if (kind !== "lsh" || runsFullAttention(config, kind, length)) return;
    const { ids } = hash({ ...context, config }, layer, config.numHashes, heads.query);
    const sizes = { segments: numHeads * config.numHashes, length, buckets: bucketIds(context) };
    keep("buckets", ids, "u32");
    keep("order", recordBucketSort(recording, sizes, ids), "u32");
  };
  const kept = await read(model, [tokens], () => undefined, { signal, before });
  const part = (name: string) => {
    const values = kept.get(name);
    return values?.slice((head * values.length) / numHeads, ((head + 1) * values.length) / numHeads);
  };
  const decoder = tokenizer.decoder();
  return {
    ...{ layer, head, kind, tokens: tokens.length, paddedLength: length, headSize: config.headSize },
    texts: Array.from(tokens, (token) => decoder.push(token)),
    ...vectorsOf(config, kind, part("queries") as Float32Array, part("keys") as Float32Array | undefined),
    ...windowsOf(config, kind, length),
    causal: config.causal,
    buckets: (part("buckets") ?? new Uint32Array(0)) as Uint32Array,
    order: (part("order") ?? new Uint32Array(0)) as Uint32Array,
  };
}

function windowsOf(config: ReformerConfig, kind: Inspection["kind"], length: number) {
  const everything = { rounds: 1, chunkLength: length, chunksBefore: 0, chunksAfter: 0 };
  const plain = { duplicates: "count", acrossBuckets: true } as const;
  if (kind === "full" || runsFullAttention(config, kind, length)) return { ...everything, ...plain };
  if (kind === "local") {
    const { localChunkLength: chunkLength, localChunksBefore, localChunksAfter } = config;
    const window = { chunkLength, chunksBefore: localChunksBefore, chunksAfter: localChunksAfter };
    return { ...plain, ...window, rounds: 1 };
  }
  const { lshChunkLength: chunkLength, lshChunksBefore, lshChunksAfter } = config;
  const { duplicates, acrossBuckets, numHashes: rounds } = config;
  const window = { chunkLength, chunksBefore: lshChunksBefore, chunksAfter: lshChunksAfter };
  return { ...window, rounds, duplicates, acrossBuckets };
}

/** Keys are scaled by 1/√headSize; shared ones are the queries over their root mean square. */
function vectorsOf(
  { headSize }: ReformerConfig,
  kind: Inspection["kind"],
  queries: Float32Array,
  keys: Float32Array | undefined,
): Pick<Inspection, "queries" | "keys" | "shared"> {
  const shared = kind === "lsh";
  const scaled = Float32Array.from(keys ?? queries);
  for (let at = 0; at < scaled.length; at += headSize) {
    const key = scaled.subarray(at, at + headSize);
    const meanSquare = key.reduce((sum, x) => sum + x * x, 0) / headSize;
    const norm = shared ? Math.sqrt(meanSquare + 1e-6) : 1;
    for (let i = 0; i < headSize; i++) (key[i] as number) /= norm * Math.sqrt(headSize);
  }
  return { queries, keys: scaled, shared };
}

function outside(field: string, given: number, count: number): ConfigError {
  return new ConfigError(`${field} is ${given}, but this model has ${field}s 0 to ${count - 1}.`, { field });
}
