// A recorded generation: which tokens were fed when, and which bucket every one of them had.
import { bucketFactors, runsFullAttention } from "../../src/config/config.js";
import { type CallShape, type Case, callShape, tensorOf } from "./case.js";

/** One use of the hash in the recorded run. */
interface HashCall {
  readonly call: number;
  /** 0: the prompt; n: the n-th token after it. */
  readonly forward: number;
  readonly layer: string;
  /** The offset between rounds counts the padding's bucket. */
  readonly bucket_offset_includes_pad_bucket: boolean;
  readonly tokens_hashed: number;
}

/** Hash of one token, or of all tokens so far, in one layer. */
export interface DecodeHash {
  readonly rotations: Float32Array<ArrayBuffer>;
  readonly factors: readonly number[];
  readonly columns: number;
  /** u32 [batch, heads, rounds, tokens], without round offsets. */
  readonly ids: Uint32Array<ArrayBuffer>;
  readonly tokens: number;
}

export interface DecodeCall {
  readonly batch: number;
  readonly prompt: number;
  readonly steps: number;
  /** The prompt as it runs. */
  readonly shape: CallShape;
  /** The first position whose LSH attention uses buckets; before it, the new token attends to all. */
  readonly hashedFrom: number;
}

export function decodeCall({ config, call, ...rest }: Case): DecodeCall {
  const prompt = Number(call.prompt_length);
  const shape = callShape({ config, call: { ...call, sequence_length: prompt }, ...rest }, true);
  const hashed = !runsFullAttention(config, "lsh", shape.padded);
  const hashedFrom = hashed ? prompt : Math.max(config.lshChunkLength, prompt + 1);
  return { batch: shape.batch, prompt, steps: Number(call.steps), shape, hashedFrom };
}

/** Token ids [batch, count] from position `first` on. */
export function tokensAt(
  c: Case,
  { batch, prompt, steps }: DecodeCall,
  first: number,
  count: number,
): Int32Array {
  const all = tensorOf(c, "input/token_ids").data;
  return Int32Array.from(
    { length: batch * count },
    (_, i) => all[Math.floor(i / count) * (prompt + steps) + first + (i % count)] as number,
  );
}

/** Ids per round, without the padding's. */
export function bucketCount({ config }: Case, length: number): number {
  return bucketFactors(config, length).reduce((a, b) => a * b, 1);
}

/**
 * How a layer's tokens of one forward pass were hashed: together with the prompt (forward 0), alone, or with all tokens
 * before, once there were enough of them (then `position` is among those).
 */
export function decodeHash(
  c: Case,
  call: DecodeCall,
  layer: number,
  forward: number,
): DecodeHash | undefined {
  const { numHeads, numHashes } = c.config;
  const calls = c.details.hash_calls as readonly HashCall[];
  const own = calls.filter(
    (one) => one.layer === `reformer.encoder.layers.${layer}.attention.self_attention`,
  );
  const found = own.find((one) => one.forward === forward) ?? own.find((one) => one.forward > forward);
  if (!found) return undefined;
  const name = `hash/${String(found.call).padStart(3, "0")}`;
  const tokens = found.tokens_hashed;
  const padding =
    found.forward === 0
      ? (call.shape.keyMask?.includes(0) ?? false)
      : found.bucket_offset_includes_pad_bucket;
  const ids = bucketCount(c, call.shape.padded) + Number(padding);
  const recorded = tensorOf(c, `${name}/buckets`).data;
  if (recorded.length !== call.batch * numHeads * numHashes * tokens) {
    throw new Error(`${c.name}: ${name}/buckets has ${recorded.length} ids, not those of ${tokens} tokens`);
  }
  const factors = bucketFactors(c.config, call.shape.padded);
  return {
    factors,
    columns: factors.reduce((sum, f) => sum + f / 2, 0),
    rotations: Float32Array.from(tensorOf(c, `${name}/rotations`).data),
    ids: Uint32Array.from(recorded, (id, i) => id - (Math.floor(i / tokens) % numHashes) * ids),
    tokens,
  };
}

/**
 * The final cache of a layer's ids, u32 [batch, heads, rounds, prompt + steps]; undefined where it has none.
 * Of round n's offsets n times the number of buckets is taken away. Where the recorded run counted the padding's bucket
 * too, ids keep up to n of it: they only order the tokens of a round, and the recorded run compared them like that.
 */
export function cachedIds(c: Case, call: DecodeCall, layer: number): Uint32Array<ArrayBuffer> | undefined {
  const recorded = c.tensors.get(`cache/${layer}/buckets`)?.data;
  if (!recorded) return undefined;
  const total = call.prompt + call.steps;
  const buckets = bucketCount(c, call.shape.padded);
  return Uint32Array.from(recorded, (id, i) => id - (Math.floor(i / total) % c.config.numHashes) * buckets);
}

/** Columns first..first + count of rows of `length`. */
export function columnsOf(
  ids: Uint32Array,
  length: number,
  first: number,
  count: number,
): Uint32Array<ArrayBuffer> {
  return Uint32Array.from(
    { length: (ids.length / length) * count },
    (_, i) => ids[Math.floor(i / count) * length + first + (i % count)] as number,
  );
}
