// A small ring of readback buffers: a step's loss, gradient norm and stream sizes arrive some steps later, so training
// never waits for a copy.

import { F32_STATUS_LIMIT, FAULT, FIXED_POINT_STATUS_LIMIT, STATE } from "../kernels/global-norm.js";
import type { Tensor } from "../scheduler/recording.js";
import type { PreparedPlan } from "../scheduler/run.js";
import type { TrainingPlan } from "./recordings.js";
import { RESULT } from "./results.js";

export interface StepMetrics {
  readonly step: number;
  readonly loss: number;
  readonly gradientNorm: number;
  readonly learningRate: number;
  /** False where the loss, the gradient or a residual stream is not finite or has left its range. */
  readonly finite: boolean;
  /** First layer whose stream left its range. */
  readonly layer: number | undefined;
  /** A gradient was not finite, and nothing else is known to be wrong: a smaller scale of the loss may do. */
  readonly gradientFault: boolean;
  /** What the next step scales the loss by. */
  readonly lossScale: number;
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

  constructor(
    readonly prepared: PreparedPlan,
    readonly plan: TrainingPlan,
  ) {
    this.#free.push(...prepared.plan.readbacks.slice(1).map((i) => prepared.buffers[i] as GPUBuffer));
    this.#sources = [plan.optimizer.results, plan.windows.outputs.status, plan.optimizer.state];
  }

  get pending(): number {
    return this.#pending.length;
  }

  /** Queues the copy of the step just submitted. */
  push(step: number, learningRate: number): void {
    const buffer = this.#free.pop();
    if (!buffer) throw new Error("internal: no free slot");
    const { device } = this.prepared.gpu;
    const encoder = device.createCommandEncoder({ label: "metrics" });
    let offset = 0;
    for (const tensor of this.#sources) {
      const { byteOffset } = this.prepared.plan.place(tensor);
      encoder.copyBufferToBuffer(this.prepared.buffer(tensor), byteOffset, buffer, offset, tensor.byteLength);
      offset += tensor.byteLength;
    }
    device.queue.submit([encoder.finish()]);
    const mapped = this.prepared.gpu.map(buffer);
    mapped.catch(() => undefined); // reported by shift(), or the run has ended
    this.#pending.push({ buffer, step, learningRate, mapped });
  }

  /** The oldest step's numbers. */
  async shift(): Promise<StepMetrics> {
    const slot = this.#pending[0];
    if (!slot) throw new Error("internal: no step is pending");
    await slot.mapped;
    this.prepared.gpu.check();
    const bytes = slot.buffer.getMappedRange().slice(0);
    slot.buffer.unmap();
    this.#pending.shift();
    this.#free.push(slot.buffer);
    return this.#parse(slot, bytes);
  }

  #parse({ step, learningRate }: Slot, bytes: ArrayBuffer): StepMetrics {
    const { windows, shape } = this.plan;
    const results = new Float32Array(bytes, 0, RESULT.columns);
    const status = new Uint32Array(bytes, RESULT.columns * 4, windows.outputs.status.byteLength / 4);
    const state = new Float32Array(bytes, results.byteLength + status.byteLength, STATE.words);
    const loss = results[RESULT.loss] ?? Number.NaN;
    const gradientNorm = results[RESULT.norm] ?? Number.NaN;
    const limit = shape.streams === "int32" ? FIXED_POINT_STATUS_LIMIT : F32_STATUS_LIMIT;
    const layer = status.findIndex((largest) => largest >= limit);
    const fault = results[RESULT.fault];
    return {
      step,
      loss,
      gradientNorm,
      learningRate,
      finite: fault === FAULT.none && Number.isFinite(loss),
      layer: layer < 0 ? undefined : layer,
      gradientFault: fault === FAULT.nonFinite && layer < 0,
      lossScale: 2 ** (state[STATE.lossExponent] ?? 0),
    };
  }

  /** Waits for outstanding copies, so that the buffers can be used again. */
  async close(): Promise<void> {
    for (const { buffer, mapped } of this.#pending.splice(0)) {
      await mapped.then(
        () => buffer.unmap(),
        () => undefined,
      );
    }
  }
}
