// Bounded submits: a slice holds about 100 ms of predicted GPU time, and at most two slices are in flight.
import type { Gpu } from "../gpu/gpu.js";
import type { Op } from "./recording.js";

/** Predicted GPU time of one submit, milliseconds: below every watchdog and short enough to cancel in. */
const SLICE_MILLISECONDS = 100;
const IN_FLIGHT = 2;
/** A dispatch costs at least this many operations' worth of time, so that many small ones also make a slice. */
const DISPATCH_FLOOR_FLOPS = 20_000;

/** Splits work into slices by a cost model that learns the device's speed from finished slices. */
export class Submitter {
  #pending: Promise<void>[] = [];
  /** Operations per millisecond, from the slices seen so far; the first guess suits a software adapter. */
  #speed = 2e6;

  constructor(readonly gpu: Gpu) {}

  *slices(ops: readonly Op[]): Generator<readonly Op[]> {
    let slice: Op[] = [];
    let cost = 0;
    for (const op of ops) {
      const next = costOf(op);
      if (slice.length && cost + next > this.#speed * SLICE_MILLISECONDS) {
        yield slice;
        slice = [];
        cost = 0;
      }
      slice.push(op);
      cost += next;
    }
    if (slice.length) yield slice;
  }

  async submit(encode: (encoder: GPUCommandEncoder) => void, ops: readonly Op[]): Promise<void> {
    while (this.#pending.length >= IN_FLIGHT) await this.#pending[0];
    this.gpu.check();
    const { device } = this.gpu;
    const encoder = device.createCommandEncoder({ label: ops[0]?.label ?? "slice" });
    encode(encoder);
    const alone = this.#pending.length === 0;
    const start = performance.now();
    device.queue.submit([encoder.finish()]);
    const done = device.queue.onSubmittedWorkDone().then(() => {
      this.#pending = this.#pending.filter((p) => p !== done);
      if (alone) this.#learn(ops, performance.now() - start);
    });
    this.#pending.push(done);
  }

  async drain(): Promise<void> {
    await Promise.all(this.#pending);
    this.gpu.check();
  }

  #learn(ops: readonly Op[], milliseconds: number): void {
    const cost = ops.reduce((sum, op) => sum + costOf(op), 0);
    const speed = cost / Math.max(milliseconds, 0.1);
    // A slice shorter than a millisecond measures overhead, not speed: only let it raise the estimate slowly.
    this.#speed = milliseconds < 1 ? Math.max(this.#speed, speed) : 0.5 * (this.#speed + speed);
  }
}

/** Operations, or bytes where those weigh more (about ten operations a byte on today's adapters). */
function costOf(op: Op): number {
  if (op.op !== "dispatch") return DISPATCH_FLOOR_FLOPS;
  const { flops, bytes } = op.kernel.cost(op.dims);
  return Math.max(DISPATCH_FLOOR_FLOPS, flops, bytes * 10);
}
