// One GPUDevice and what this library keeps about it: counted buffers, loss, readback.
import { DeviceLostError, DisposedError, GpuOutOfMemoryError, WebGPUUnavailableError } from "../errors.js";
import { untilDone } from "./completion.js";
import type { Dims, Kernel, Variant } from "./kernel.js";
import { type CompiledKernel, type Pipelines, pipelinesOf } from "./pipelines.js";

export type { CompiledKernel };

/** Features that are requested when the adapter offers them; all are in the WebGPU standard. */
export const WANTED_FEATURES: readonly GPUFeatureName[] = ["timestamp-query", "shader-f16", "subgroups"];

/** Limits that are raised to what the adapter offers. */
const RAISED_LIMITS = [
  "maxBufferSize",
  "maxStorageBufferBindingSize",
  "maxComputeWorkgroupStorageSize",
] as const;

/**
 * A device from `gpu` (default `navigator.gpu`) with the standard features and raised limits this library can use.
 * @throws {WebGPUUnavailableError} saying why there is none.
 */
export async function requestDevice(gpu: GPU | undefined = globalThis.navigator?.gpu): Promise<GPUDevice> {
  if (!gpu) {
    const insecure = typeof isSecureContext === "boolean" && !isSecureContext;
    throw new WebGPUUnavailableError(
      insecure
        ? "WebGPU is off because this page is not a secure context: serve it over https or from localhost"
        : "this browser has no WebGPU: use Chrome or Edge 113+, Safari 26+, or Firefox 141+ (Windows) / 145+ (macOS)",
      { reason: insecure ? "insecure-context" : "no-webgpu" },
    );
  }
  const adapter = await gpu.requestAdapter({ powerPreference: "high-performance" });
  if (!adapter) {
    throw new WebGPUUnavailableError(
      "WebGPU found no usable graphics adapter: update the graphics driver, turn on hardware acceleration in the browser settings, or restart the browser if the GPU crashed recently",
      { reason: "no-adapter" },
    );
  }
  const requiredLimits: Record<string, number> = {};
  for (const name of RAISED_LIMITS) requiredLimits[name] = adapter.limits[name];
  return adapter.requestDevice({
    label: "webgpu-reformer",
    requiredFeatures: WANTED_FEATURES.filter((f) => adapter.features.has(f)),
    requiredLimits,
  });
}

/** How an adapter calls itself. */
export function adapterName({ adapterInfo }: GPUDevice): string {
  // Browsers before Chrome 134 have no device.adapterInfo.
  const { vendor, architecture, device, description } = adapterInfo ?? {};
  return [vendor, architecture, device, description].filter(Boolean).join(" ") || "unnamed";
}

export interface BufferRequest {
  readonly label: string;
  readonly byteLength: number;
  readonly usage: GPUBufferUsageFlags;
  /** Where its bytes are counted; "state" unless said. */
  readonly category?: string;
}

/** How a model uses its device. */
export interface GpuOptions {
  /** Bytes that may be live at once; default: no limit. */
  readonly memoryLimit?: number | undefined;
  /** The page that shares the adapter stays fluent: work is submitted in shorter slices. */
  readonly interactive?: boolean | undefined;
}

/** The device, its live memory and its compiled pipelines. Borrows the device unless `ownsDevice`. */
export class Gpu {
  #liveBytes = 0;
  #peakBytes = 0;
  #lost: DeviceLostError | undefined;
  #disposed = false;
  readonly memoryLimit: number;
  readonly interactive: boolean;
  readonly #buffers = new Map<GPUBuffer, string>();
  readonly #bytesBy = new Map<string, number>();
  readonly #pipelines: Pipelines;

  constructor(
    readonly device: GPUDevice,
    readonly ownsDevice = false,
    { memoryLimit = Number.POSITIVE_INFINITY, interactive = false }: GpuOptions = {},
  ) {
    this.memoryLimit = memoryLimit;
    this.interactive = interactive;
    this.#pipelines = pipelinesOf(device);
    device.lost.then((info) => {
      if (this.#disposed) return;
      this.#lost = new DeviceLostError(
        `the GPU device was lost (${info.reason || "unknown"}): ${info.message}`,
        {
          reason: info.reason || "unknown",
        },
      );
    });
  }

  /** Bytes of all buffers made here and not yet destroyed. */
  get liveBytes(): number {
    return this.#liveBytes;
  }
  /** Live bytes by category. */
  get memory(): Readonly<Record<string, number>> {
    return { ...Object.fromEntries(this.#bytesBy), total: this.#liveBytes };
  }
  /** The largest `liveBytes` so far. */
  get peakBytes(): number {
    return this.#peakBytes;
  }

  /** @throws {DeviceLostError | DisposedError} Call after every await: a lost device resolves most promises silently. */
  check(): void {
    if (this.#disposed)
      throw new DisposedError("this model's GPU memory was disposed: create or load it again");
    if (this.#lost) throw this.#lost;
  }

  /**
   * All buffers or none.
   * @throws {GpuOutOfMemoryError} after freeing what this call had got.
   */
  async allocate(requests: readonly BufferRequest[]): Promise<GPUBuffer[]> {
    this.check();
    const total = requests.reduce((sum, r) => sum + r.byteLength, 0);
    const tooLarge = requests.find((r) => r.byteLength > this.device.limits.maxBufferSize);
    if (tooLarge) throw outOfMemory(tooLarge.label, tooLarge.byteLength, this.device.limits.maxBufferSize);
    if (this.#liveBytes + total > this.memoryLimit)
      throw overLimit(this.#liveBytes + total, this.memoryLimit);
    this.device.pushErrorScope("out-of-memory");
    this.device.pushErrorScope("validation");
    const buffers = requests.map(({ label, byteLength, usage, category = "state" }) => {
      const buffer = this.device.createBuffer({ label, size: Math.max(4, byteLength), usage });
      this.#buffers.set(buffer, category);
      this.#count(category, buffer.size);
      return buffer;
    });
    this.#peakBytes = Math.max(this.#peakBytes, this.#liveBytes);
    const invalid = await this.device.popErrorScope();
    const noMemory = await this.device.popErrorScope();
    if (invalid || noMemory) {
      for (const buffer of buffers) this.free(buffer);
      throw outOfMemory(requests.map((r) => r.label).join(", "), total, undefined);
    }
    this.check();
    return buffers;
  }

  free(buffer: GPUBuffer): void {
    const category = this.#buffers.get(buffer);
    if (category === undefined) return;
    this.#buffers.delete(buffer);
    this.#count(category, -buffer.size);
    buffer.destroy();
  }

  #count(category: string, bytes: number): void {
    this.#liveBytes += bytes;
    this.#bytesBy.set(category, (this.#bytesBy.get(category) ?? 0) + bytes);
  }

  /** Pipeline of one kernel variant; compiled once per device. */
  async pipeline(kernel: Kernel<Dims>, variant: Variant<Dims>, dims: Dims): Promise<CompiledKernel> {
    try {
      return await this.#pipelines.pipeline(kernel, variant, dims);
    } finally {
      this.check(); // a lost device is why, whatever else is said
    }
  }

  /** Copies a range of a buffer to the CPU, in pieces through `staging` (MAP_READ) or at once through a new buffer. */
  async read(
    buffer: GPUBuffer,
    byteOffset = 0,
    byteLength = buffer.size - byteOffset,
    staging?: GPUBuffer,
  ): Promise<ArrayBuffer> {
    const usage = GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST;
    const own = staging ? undefined : (await this.allocate([{ label: "readback", byteLength, usage }]))[0];
    const through = (staging ?? own) as GPUBuffer;
    try {
      const result = new Uint8Array(byteLength);
      for (let done = 0; done < byteLength; done += through.size) {
        const size = Math.min(through.size, byteLength - done);
        const encoder = this.device.createCommandEncoder({ label: "readback" });
        encoder.copyBufferToBuffer(buffer, byteOffset + done, through, 0, size);
        this.device.queue.submit([encoder.finish()]);
        await this.map(through);
        result.set(new Uint8Array(through.getMappedRange(0, size)), done);
        through.unmap();
      }
      return result.buffer;
    } finally {
      if (own) this.free(own);
    }
  }

  /** Resolves when the device has finished all that it was given so far. */
  done(): Promise<undefined> {
    const { queue } = this.device;
    return untilDone(queue, queue.onSubmittedWorkDone());
  }

  /** Maps a readback buffer. @throws {DeviceLostError} where the device went away meanwhile. */
  async map(buffer: GPUBuffer): Promise<void> {
    try {
      await untilDone(this.device.queue, buffer.mapAsync(GPUMapMode.READ));
    } catch (error) {
      await Promise.race([this.device.lost, new Promise((resolve) => setTimeout(resolve, 100))]);
      this.check();
      throw error;
    }
  }

  /** Frees every buffer made here, and the device if it is owned. Idempotent. */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    for (const buffer of [...this.#buffers.keys()]) this.free(buffer);
    if (this.ownsDevice) this.device.destroy();
  }
}

/** What is thrown where a model would hold more bytes than its `memoryLimit`. */
export function overLimit(needed: number, limit: number): GpuOutOfMemoryError {
  return new GpuOutOfMemoryError(
    `${needed} bytes of GPU memory are needed, but memoryLimit is ${limit}: use a shorter length, a smaller batch or a smaller model, or raise memoryLimit`,
    { needed, limit },
  );
}

function outOfMemory(label: string, needed: number, limit: number | undefined): GpuOutOfMemoryError {
  const allowed = limit === undefined ? "the device refused it" : `this device allows ${limit} in one buffer`;
  return new GpuOutOfMemoryError(
    `${label}: ${needed} bytes of GPU memory were needed, ${allowed}: use a shorter length, a smaller batch or a smaller model, or close other tabs`,
    limit === undefined ? { needed } : { needed, limit },
  );
}
