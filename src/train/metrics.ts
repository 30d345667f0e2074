// A small ring of readback buffers: a step's loss, gradient norm and stream sizes arrive some steps later, so training
// never waits for a copy.

import type { Tensor } from "../scheduler/recording.js";
import type { PreparedPlan } from "../scheduler/run.js";
import { F32_STATUS_LIMIT, FAULT, FIXED_POINT_STATUS_LIMIT } from "../kernels/global-norm.js";
import { RESULT } from "./optimizer.js";
import type { TrainingPlan } from "./recordings.js";

export interface StepMetrics {
  readonly step: number;
  readonly loss: number;
  readonly gradientNorm: number;
  readonly learningRate: number;
  /** False where the loss, the gradient or a residual stream is not finite or has left its range. */
  readonly finite: boolean;
  /** First layer whose stream left its range. */
  readonly layer: number | undefined;
}

interface Slot {
  readonly buffer: GPUBuffer;
  readonly step: number;
  readonly learningRate: number;
  readonly mapped: Promise<void>;
}

export class MetricsRing {
  readonly #free: GPUBuffer[] = [];
  readonly #pending: Slot[] = [];
  readonly #sources: readonly Tensor[];
  readonly #byteLength: number;

  private constructor(
    readonly prepared: PreparedPlan,
    readonly plan: TrainingPlan,
    buffers: readonly GPUBuffer[],
  ) {
    this.#free.push(...buffers);
    this.#sources = MetricsRing.#sourcesOf(plan);
    this.#byteLength = byteLengthOf(this.#sources);
  }

  static async create(prepared: PreparedPlan, plan: TrainingPlan, slots: number): Promise<MetricsRing> {
    const byteLength = byteLengthOf(MetricsRing.#sourcesOf(plan));
    const usage = GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST;
    const requests = Array.from({ length: slots }, (_, i) => ({ label: `metrics[${i}]`, byteLength, usage }));
    return new MetricsRing(prepared, plan, await prepared.gpu.allocate(requests));
  }

  static #sourcesOf({ optimizer, outputs }: TrainingPlan): readonly Tensor[] {
    return [optimizer.results, outputs.status];
  }

  get pending(): number {
    return this.#pending.length;
  }

  /** Queues the copy of the step just submitted. */
  push(step: number, learningRate: number): void {
    const buffer = this.#free.pop();
    if (!buffer) throw new Error("internal: all metric slots are in use");
    const { device } = this.prepared.gpu;
    const encoder = device.createCommandEncoder({ label: "metrics" });
    let offset = 0;
    for (const tensor of this.#sources) {
      const { byteOffset } = this.prepared.plan.place(tensor);
      encoder.copyBufferToBuffer(this.prepared.buffer(tensor), byteOffset, buffer, offset, tensor.byteLength);
      offset += tensor.byteLength;
    }
    device.queue.submit([encoder.finish()]);
    const mapped = buffer.mapAsync(GPUMapMode.READ);
    mapped.catch(() => undefined); // reported by shift(), or the run has ended
    this.#pending.push({ buffer, step, learningRate, mapped });
  }

  /** The oldest step's numbers. */
  async shift(): Promise<StepMetrics> {
    const slot = this.#pending[0];
    if (!slot) throw new Error("internal: no step is pending");
    await slot.mapped.catch((error) => {
      this.prepared.gpu.check();
      throw error;
    });
    this.prepared.gpu.check();
    const bytes = slot.buffer.getMappedRange().slice(0, this.#byteLength);
    slot.buffer.unmap();
    this.#pending.shift();
    this.#free.push(slot.buffer);
    return this.#parse(slot, bytes);
  }

  #parse({ step, learningRate }: Slot, bytes: ArrayBuffer): StepMetrics {
    const { outputs, shape } = this.plan;
    const results = new Float32Array(bytes, 0, RESULT.columns);
    const status = new Uint32Array(bytes, RESULT.columns * 4, outputs.status.byteLength / 4);
    const loss = results[RESULT.loss] ?? Number.NaN;
    const gradientNorm = results[RESULT.norm] ?? Number.NaN;
    const limit = shape.streams === "int32" ? FIXED_POINT_STATUS_LIMIT : F32_STATUS_LIMIT;
    const layer = status.findIndex((largest) => largest >= limit);
    const finite = results[RESULT.fault] === FAULT.none && Number.isFinite(loss);
    return { step, loss, gradientNorm, learningRate, finite, layer: layer < 0 ? undefined : layer };
  }

  /** Waits for outstanding copies and frees the buffers. */
  async dispose(): Promise<void> {
    await Promise.allSettled(this.#pending.map((slot) => slot.mapped));
    for (const buffer of [...this.#free, ...this.#pending.map((slot) => slot.buffer)])
      this.prepared.gpu.free(buffer);
  }
}

function byteLengthOf(tensors: readonly Tensor[]): number {
  return tensors.reduce((sum, t) => sum + t.byteLength, 0);
}
