// `webgpu-reformer/kernels`: LSH attention on your own GPUDevice and buffers.
import { ConfigError, ShapeError } from "./errors.js";
import { Gpu } from "./gpu/gpu.js";
import type { ScalarType } from "./gpu/kernel.js";
import { lshHash, rotationColumns } from "./kernels/lsh-hash.js";
import { rotations as drawRotations } from "./kernels/rotations.js";
import { recordBucketSort } from "./layers/bucket-sort.js";
import { recordChunkAttention } from "./layers/chunk-attention.js";
import { CONTROL_WORDS, packControl } from "./model/control.js";
import { plan } from "./scheduler/plan.js";
import { profileOf } from "./scheduler/profile.js";
import { Arena, Recording, type Tensor } from "./scheduler/recording.js";
import { PreparedPlan } from "./scheduler/run.js";

export * from "./errors.js";
export { rotationColumns };

/** Sizes and rules. Letters: batch B, heads H, length L, headSize D, numHashes R, numBuckets N. */
export interface LshAttentionOptions {
  /** Default 1. */
  readonly batch?: number | undefined;
  readonly heads: number;
  /** Tokens per sequence: a multiple of chunkLength, at most 2^20. */
  readonly length: number;
  /** A multiple of 4, at most 256. */
  readonly headSize: number;
  /** Independent hashing rounds. */
  readonly numHashes: number;
  /** Buckets per round: an even number, or even factors whose product it is, the fastest first. */
  readonly numBuckets: number | readonly number[];
  /** Sorted tokens that attend together. */
  readonly chunkLength: number;
  /** Chunks before and after its own that a token sees, cyclic over all rounds; default 1 and 0. */
  readonly chunksBefore?: number | undefined;
  readonly chunksAfter?: number | undefined;
  /** true (default): a token sees only itself and earlier ones. */
  readonly causal?: boolean | undefined;
  /** A key met in several rounds: "count" (default) every meeting, or "once". */
  readonly duplicates?: "count" | "once" | undefined;
  /** true (default): every key of the chunks; false: only those in the query's bucket. */
  readonly acrossBuckets?: boolean | undefined;
  /** Draws the rotations where no buffer gives them; default 0. */
  readonly seed?: number | undefined;
}

/** The caller's buffers, each with usage STORAGE, no two the same. Sizes as in `LshAttentionOptions`. */
export interface LshAttentionBuffers {
  /** f32 [B, H, L, D], queries; normalised they are the keys. */
  readonly qk: GPUBuffer;
  /** f32 [B, H, L, D] */
  readonly v: GPUBuffer;
  /** f32 [H, D, R, rotationColumns(factors)], Gaussian; without it they are drawn from the seed. */
  readonly rotations?: GPUBuffer | undefined;
  /** u32 [B, L], 1 for a token that may be seen, 0 for padding. */
  readonly keyMask?: GPUBuffer | undefined;
  /** Written: f32 [B, H, L, D]. */
  readonly out: GPUBuffer;
  /** Written: u32 [B, H, R, L], the bucket of every token in every round. */
  readonly buckets?: GPUBuffer | undefined;
}

/** LSH attention that is ready to run. Owns its working memory, borrows device and buffers. */
export interface LshAttention {
  /** Bytes of working memory on the device. */
  readonly byteLength: number;
  /** Submits one run; work submitted later sees `out`. Resolves when everything is submitted. */
  run(): Promise<void>;
  /** Resolves when the device has finished all that was submitted to it, in Firefox too without 100 ms of delay. */
  done(): Promise<void>;
  /** Frees the working memory. Idempotent. */
  dispose(): void;
}

/**
 * Prepares LSH attention (hash, sort, attend over all rounds in one softmax) for one set of buffers.
 * Equations: shaders/lsh-hash.wgsl, shaders/chunk-attention.wgsl.
 * @throws {ConfigError} {ShapeError} naming the option or buffer; {GpuOutOfMemoryError} where the device is too small
 */
export async function lshAttention(
  device: GPUDevice,
  buffers: LshAttentionBuffers,
  options: LshAttentionOptions,
): Promise<LshAttention> {
  const recording = new Recording();
  const given = new Map<Tensor, GPUBuffer>();
  const control = new Arena("control", "state").tensor("control", [CONTROL_WORDS], "u32");
  record(recording, control, options, (name, shape, type) => {
    const buffer = buffers[name];
    if (!buffer) return undefined;
    const tensor = new Arena(name, "state").tensor(name, shape, type);
    checkBuffer(name, buffer, tensor);
    if ([...given.values()].includes(buffer)) {
      throw new ShapeError(`The buffer ${name} is given twice: every buffer has one role.`, { buffer: name });
    }
    given.set(tensor, buffer);
    return tensor;
  });
  const gpu = new Gpu(device);
  try {
    const prepared = await PreparedPlan.create(gpu, plan([recording], profileOf(device)), { given });
    if (!buffers.rotations) prepared.write(control, packControl({ seed: options.seed ?? 0, draw: 0 }));
    return {
      byteLength: gpu.liveBytes,
      run: async () => {
        gpu.check();
        await prepared.run();
      },
      done: () => gpu.done(),
      dispose: () => gpu.dispose(),
    };
  } catch (error) {
    gpu.dispose();
    throw error;
  }
}

/** The tensor of a buffer; undefined where an optional one was not given. */
type Bind = (
  name: keyof LshAttentionBuffers,
  shape: readonly number[],
  type?: ScalarType,
) => Tensor | undefined;

function record(recording: Recording, control: Tensor, options: LshAttentionOptions, bind: Bind): void {
  const { batch = 1, heads, length, headSize, numHashes: rounds, numBuckets, chunkLength } = options;
  const { chunksBefore = 1, chunksAfter = 0, causal = true } = options;
  const { duplicates = "count", acrossBuckets = true } = options;
  const counts = { batch, heads, length, headSize, numHashes: rounds, chunkLength };
  for (const [name, value] of Object.entries(counts)) checkCount(name, value, 1);
  if (headSize % 4 !== 0 || headSize > 256) {
    throw new ConfigError(`headSize is ${headSize}, but must be a multiple of 4 up to 256.`, {
      field: "headSize",
    });
  }
  checkCount("chunksBefore", chunksBefore, 0);
  checkCount("chunksAfter", chunksAfter, 0);
  const factors = typeof numBuckets === "number" ? [numBuckets] : numBuckets;
  const columns = rotationColumns(factors);
  const shape = [batch, heads, length, headSize];
  const needed = (name: "qk" | "v" | "out"): Tensor => {
    const tensor = bind(name, shape);
    if (!tensor) throw new ShapeError(`The buffer ${name} is missing: give one of ${shape.join(" x ")} f32.`);
    return tensor;
  };
  const [qk, v, out] = [needed("qk"), needed("v"), needed("out")];
  const keyMask = bind("keyMask", [batch, length], "u32");
  const masked = keyMask !== undefined;

  const rotations =
    bind("rotations", [heads, headSize, rounds, columns]) ??
    recording.tensor("rotations", [heads, headSize, rounds, columns]);
  if (!rotations.arena) {
    recording.dispatch(drawRotations, { heads, headSize, rounds, columns, layer: 0 }, { control, rotations });
  }
  const buckets =
    bind("buckets", [batch, heads, rounds, length], "u32") ??
    recording.tensor("buckets", [batch, heads, rounds, length], "u32");
  const scale = recording.tensor("scale", [batch, heads, length]);
  recording.dispatch(
    lshHash,
    { batch, heads, length, headSize, rounds, factors, rotationColumns: columns, masked },
    { qk, rotations, keyMask, buckets, scale },
  );
  const ids = factors.reduce((a, b) => a * b, 1) + Number(masked); // masked tokens share a bucket of their own
  const sizes = { segments: batch * heads * rounds, length, buckets: ids };
  const order = recordBucketSort(recording, sizes, buckets);
  const chunks = { chunkLength, chunksBefore, chunksAfter, causal, shared: true, sorted: true, masked };
  const rules = {
    duplicates,
    acrossBuckets,
    buckets: ids,
    dropout: 0,
    dropoutRate: 0,
    site: 0,
    firstHead: 0,
  } as const;
  recordChunkAttention(
    recording,
    { batch, heads, length, headSize, rounds, ...chunks, ...rules },
    { q: qk, v, order, bucketIds: buckets, scale, ...(keyMask && { keyMask }) },
    { out },
  );
}

function checkCount(name: string, value: number, min: number): void {
  if (!Number.isInteger(value) || value < min || value > 2 ** 20) {
    throw new ConfigError(`${name} is ${value}, but must be a whole number from ${min} to 2^20.`, {
      field: name,
    });
  }
}

function checkBuffer(name: string, buffer: GPUBuffer, tensor: Tensor): void {
  const { byteLength, shape, type } = tensor;
  if (buffer.size < byteLength) {
    throw new ShapeError(
      `The buffer ${name} has ${buffer.size} bytes, but ${type} [${shape.join(", ")}] needs ${byteLength}.`,
      { buffer: name, given: buffer.size, needed: byteLength },
    );
  }
  if (!(buffer.usage & GPUBufferUsage.STORAGE)) {
    throw new ShapeError(`The buffer ${name} needs the usage GPUBufferUsage.STORAGE.`, { buffer: name });
  }
}
