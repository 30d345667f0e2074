import { describe, expect, test } from "vitest";
import {
  ConfigError,
  type LshAttentionBuffers,
  type LshAttentionOptions,
  lshAttention,
  rotationColumns,
  ShapeError,
} from "../../src/kernels.js";
import { bucketSort } from "../oracle/bucket-sort.js";
import { chunkAttention } from "../oracle/chunk-attention.js";
import { lshHash } from "../oracle/lsh-hash.js";
import { expectClose, U32, within } from "../support/close.js";
import { getDevice, withErrorScopes } from "../support/device.js";

const OPTIONS = {
  batch: 2,
  heads: 2,
  length: 96,
  headSize: 8,
  numHashes: 3,
  numBuckets: [4, 6],
  chunkLength: 16,
} as const satisfies LshAttentionOptions;

/** Numbers in (-1, 1), the same every time. */
function noise(count: number, seed: number): Float32Array<ArrayBuffer> {
  let state = seed;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  });
}

function bufferOf(
  device: GPUDevice,
  content: Float32Array<ArrayBuffer> | Uint32Array<ArrayBuffer>,
): GPUBuffer {
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC;
  const buffer = device.createBuffer({ size: content.byteLength, usage });
  device.queue.writeBuffer(buffer, 0, content);
  return buffer;
}

async function read(device: GPUDevice, buffer: GPUBuffer): Promise<ArrayBuffer> {
  const usage = GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST;
  const staging = device.createBuffer({ size: buffer.size, usage });
  const encoder = device.createCommandEncoder();
  encoder.copyBufferToBuffer(buffer, 0, staging, 0, buffer.size);
  device.queue.submit([encoder.finish()]);
  await staging.mapAsync(GPUMapMode.READ);
  const bytes = staging.getMappedRange().slice(0);
  staging.destroy();
  return bytes;
}

/** Runs on buffers with these contents; returns `out` and `buckets`. */
async function run(
  options: LshAttentionOptions,
  given: Readonly<Record<string, Float32Array<ArrayBuffer> | Uint32Array<ArrayBuffer>>>,
) {
  const device = await getDevice();
  return withErrorScopes(device, async () => {
    const { batch = 1, heads, length, headSize, numHashes } = options;
    const buffers = Object.fromEntries(
      Object.entries({
        ...given,
        out: new Float32Array(batch * heads * length * headSize).fill(Number.NaN),
        buckets: new Uint32Array(batch * heads * numHashes * length).fill(2 ** 32 - 1),
      }).map(([name, content]) => [name, bufferOf(device, content)]),
    ) as unknown as LshAttentionBuffers & { buckets: GPUBuffer };
    const attention = await lshAttention(device, buffers, options);
    try {
      await attention.run();
      const out = new Float32Array(await read(device, buffers.out));
      return { out, buckets: new Uint32Array(await read(device, buffers.buckets)), attention };
    } finally {
      attention.dispose();
      for (const buffer of Object.values(buffers)) buffer.destroy();
    }
  });
}

describe("lshAttention(device, buffers, options)", () => {
  const { batch, heads, length, headSize, numHashes, numBuckets } = OPTIONS;
  const columns = rotationColumns(numBuckets);
  const qk = noise(batch * heads * length * headSize, 1);
  const v = noise(qk.length, 2);
  const rotations = noise(heads * headSize * numHashes * columns, 3);

  const rules: readonly [why: string, options: Partial<LshAttentionOptions>, masked: boolean][] = [
    ["a causal model", {}, false],
    ["both directions, padding at the end", { causal: false, chunksAfter: 1 }, true],
    [
      "only a query's own bucket, a key met twice counts once",
      { acrossBuckets: false, duplicates: "once" },
      false,
    ],
  ];
  test.each(rules)("hashes, sorts and attends as the definitions say: %s", async (_, changed, masked) => {
    const options = { ...OPTIONS, ...changed };
    const keyMask = Uint32Array.from({ length: batch * length }, (_, i) => Number(i % length < 80));
    const result = await run(options, { qk, v, rotations, ...(masked && { keyMask }) });

    const sizes = { batch, heads, length, headSize, rounds: numHashes, masked };
    const hashing = { ...sizes, factors: numBuckets, rotationColumns: columns };
    const hashed = lshHash(hashing, qk, rotations, masked ? keyMask : undefined);
    // Summing D products in f32 errs by at most D u Σ|terms| on each of the two projections compared.
    const sure = hashed.margins.map((margin, i) => margin > 2 * headSize * U32 * hashed.magnitudes[i]!);
    expect(sure.filter(Boolean).length).toBeGreaterThan(0.99 * sure.length);
    expect([...result.buckets].filter((id, i) => sure[i] && id !== hashed.buckets[i])).toEqual([]);

    const { causal = true, chunksBefore = 1, chunksAfter = 0 } = options;
    const { duplicates = "count", acrossBuckets = true } = options;
    const rest = { causal, chunksBefore, chunksAfter, duplicates, acrossBuckets, shared: true, sorted: true };
    const expected = chunkAttention(
      { ...sizes, ...rest, chunkLength: options.chunkLength },
      {
        q: qk,
        v,
        order: bucketSort(batch * heads * numHashes, length, result.buckets),
        bucketIds: result.buckets,
        ...(masked && { keyMask }),
      },
    );
    // |q| < 1 per element and unit keys give scores |s| ≤ √D, each off by (D + 8) u |s| (dot product, key norm, scale);
    // exp adds 3 + 2·2|s| ulp; a softmax over n keys n u; a weight's error counts twice (numerator, sum); |v| < 1.
    const score = Math.sqrt(headSize);
    const keys = options.chunkLength * (1 + chunksBefore + chunksAfter) * numHashes;
    const bound = 2 * ((headSize + 8) * score + 2 * (3 + 4 * score) + keys) * U32;
    expectClose(result.out, expected, within(bound, "scores, exp and sums in f32"), "out");
    expect(result.attention.byteLength).toBeGreaterThan(0);
  });

  test("draws the rotations from the seed where none are given", async () => {
    const [a, b, c] = [
      await run({ ...OPTIONS, seed: 5 }, { qk, v }),
      await run({ ...OPTIONS, seed: 5 }, { qk, v }),
      await run({ ...OPTIONS, seed: 6 }, { qk, v }),
    ];
    expect(b.out).toEqual(a.out);
    expect(c.buckets).not.toEqual(a.buckets);
  });

  test.each([
    [true, "alone"],
    [false, "plain"],
  ])("takes the forms for the adapter: of one that is a CPU %s, %s", async (isFallbackAdapter, form) => {
    const device = await getDevice();
    const compiled: string[] = [];
    const seen = new Proxy(device, {
      get(target, name) {
        if (name === "adapterInfo") return { isFallbackAdapter };
        const value: unknown = Reflect.get(target, name, target);
        if (typeof value !== "function") return value;
        if (name !== "createComputePipelineAsync") return value.bind(target);
        return (descriptor: GPUComputePipelineDescriptor) => {
          compiled.push(descriptor.label ?? "");
          return target.createComputePipelineAsync(descriptor);
        };
      },
    });
    const [q, values, out] = [bufferOf(device, qk), bufferOf(device, v), bufferOf(device, qk)];
    (await lshAttention(seen, { qk: q, v: values, out }, OPTIONS)).dispose();
    const [, , variant] = compiled.find((label) => label.startsWith("chunk-attention/"))?.split("/") ?? [];
    expect(variant).toBe(form);
    for (const buffer of [q, values, out]) buffer.destroy();
  });

  test("refuses wrong options and buffers by name", async () => {
    const failing = (options: Partial<LshAttentionOptions>, contents = {}) =>
      run({ ...OPTIONS, ...options }, { qk, v, rotations, ...contents });
    await expect(failing({ length: 100 })).rejects.toThrow(ShapeError);
    await expect(failing({ headSize: 6 })).rejects.toThrow(ConfigError);
    await expect(failing({ numBuckets: 7 })).rejects.toThrow(ConfigError);
    await expect(failing({ numHashes: 0 })).rejects.toThrow("numHashes is 0");
    await expect(failing({}, { v: new Float32Array(4) })).rejects.toThrow("The buffer v has 16 bytes");
    const device = await getDevice();
    const same = bufferOf(device, qk);
    await expect(lshAttention(device, { qk: same, v: same, out: same }, OPTIONS)).rejects.toThrow(
      "given twice",
    );
    same.destroy();
  });
});
