/** Times attention alone, by the library's kernel entry: LSH with some rounds, and full attention, on random vectors. */
import { type LshAttentionOptions, lshAttention } from "../../../src/kernels.js";
import { type Bench, time } from "../bench.js";
import { random } from "./duplication.js";

export interface AttentionCase {
  readonly length: number;
  /** Rounds of hashing; 0: full attention, every token with every one. */
  readonly rounds: number;
}

export interface AttentionParams {
  readonly cases: readonly AttentionCase[];
  readonly heads: number;
  readonly headSize: number;
  readonly chunkLength: number;
  /** Milliseconds that one run may be expected to take; longer ones are left out. */
  readonly budget: number;
}

export interface AttentionTold extends AttentionCase {
  /** Median of the runs; null where it was left out. */
  readonly milliseconds: number | null;
  /** Expected from the length before, where it was left out. */
  readonly expected: number | null;
  /** Bytes of working memory besides queries, values and result. */
  readonly bytes: number | null;
}

const BIG = 64; // buckets above which they come in two factors

/** Buckets as the library's models choose them: about two for each chunk. */
function bucketsOf(length: number, chunkLength: number): number | readonly number[] {
  const power = Math.max(1, Math.floor(Math.log2((2 * length) / chunkLength)));
  if (2 ** power <= BIG) return 2 ** power;
  const slow = Math.floor(power / 2);
  return [2 ** slow, 2 ** (power - slow)];
}

function optionsOf(
  { length, rounds }: AttentionCase,
  { heads, headSize, chunkLength }: AttentionParams,
): LshAttentionOptions {
  const full = rounds === 0;
  return {
    ...{ heads, length, headSize, numHashes: full ? 1 : rounds, chunkLength: full ? length : chunkLength },
    ...{ numBuckets: full ? 2 : bucketsOf(length, chunkLength), chunksBefore: full ? 0 : 1 },
  };
}

export async function* attention(
  bench: Bench,
  params: AttentionParams,
  signal: AbortSignal,
): AsyncGenerator<AttentionTold> {
  const device = await bench.device();
  const last = new Map<number, { readonly length: number; readonly milliseconds: number }>();
  for (const one of params.cases) {
    signal.throwIfAborted();
    const before = last.get(one.rounds);
    const growth = before ? one.length / before.length : 1;
    const expected = before ? before.milliseconds * (one.rounds === 0 ? growth ** 2 : growth) : null;
    if (expected !== null && expected > params.budget) {
      yield { ...one, milliseconds: null, expected, bytes: null };
      continue;
    }
    const found = await timeOne(device, one, params, signal);
    last.set(one.rounds, { length: one.length, milliseconds: found.milliseconds });
    yield { ...one, ...found, expected: null };
  }
}

async function timeOne(
  device: GPUDevice,
  one: AttentionCase,
  params: AttentionParams,
  signal: AbortSignal,
): Promise<{ milliseconds: number; bytes: number }> {
  const options = optionsOf(one, params);
  const size = 4 * options.heads * options.length * options.headSize;
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST;
  const [qk, v, out] = ["qk", "v", "out"].map((label) => device.createBuffer({ label, size, usage }));
  if (!qk || !v || !out) throw new Error("no buffers");
  try {
    const next = random(1);
    const values = Float32Array.from({ length: size / 4 }, () => next() - 0.5);
    device.queue.writeBuffer(qk, 0, values);
    device.queue.writeBuffer(v, 0, values);
    const prepared = await lshAttention(device, { qk, v, out }, options);
    try {
      const run = async () => {
        await prepared.run();
        await prepared.done();
      };
      return {
        milliseconds: await time(run, { repeats: 5, budget: params.budget, signal }),
        bytes: prepared.byteLength,
      };
    } finally {
      prepared.dispose();
    }
  } finally {
    for (const buffer of [qk, v, out]) buffer.destroy();
  }
}
