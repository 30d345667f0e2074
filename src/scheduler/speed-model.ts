// How long work will take on a device, learnt from how long work has taken. Every form (a kernel's variant, clears,
// copies) has a speed of its own, so that a slow one does not make the others look slow. A form that has not run yet counts
// as slow, and its speed grows geometrically.
//
// A slice of work gives one equation: the predicted times x of its forms should add up to the time t that it took. All are
// scaled towards it, each as far as its share says: x · (t / sum x)^(x / max x), the multiplicative reconstruction of
// Gordon, Bender and Herman (1970). Repeated over different slices it converges to speeds that explain them all.
import type { Op } from "./recording.js";

/** Work of one form. */
export interface Work {
  readonly form: string;
  /** Arithmetic operations, or bytes in their place where those weigh more. */
  readonly amount: number;
}

/** Operations that take as long as moving a byte, on today's adapters. */
const OPERATIONS_PER_BYTE = 10;
/** The least that an operation of the queue counts: however small it is, it has to be started. */
const LEAST_AMOUNT = 20_000;
/** Operations per millisecond of a form that has not run yet: a software adapter's, at its slowest. */
const FIRST_SPEED = 2e5;
/** Milliseconds that are learnt from at once, at least: clocks are coarse, and finished slices are reported together. */
const SHORTEST = 2;
/** How many times faster than thought a form may become at once. */
const GROWTH = 4;
/** Times the prediction from which on any form of a slice may be to blame, so that all count as slower. */
const OVERRUN = 2;

const MODELS = new WeakMap<GPUDevice, SpeedModel>();

/** What an operation weighs. `variant` is that of a dispatch. */
export function workOf(op: Op, variant: string | undefined): Work {
  const amount = (flops: number, bytes: number) => Math.max(LEAST_AMOUNT, flops, OPERATIONS_PER_BYTE * bytes);
  if (op.op === "clear") return { form: "clear", amount: amount(0, op.tensor.byteLength) };
  if (op.op === "copy") return { form: "copy", amount: amount(0, 2 * op.from.byteLength) };
  const { flops, bytes } = op.kernel.cost(op.dims);
  return { form: `${op.kernel.name}/${variant}`, amount: amount(flops, bytes) };
}

/** The speeds of one device's queue. */
export class SpeedModel {
  /** Milliseconds per operation, by form. */
  readonly #slowness = new Map<string, number>();
  /** Amounts by form that ran and were not learnt from yet, and the milliseconds they took. */
  readonly #ran = new Map<string, number>();
  #took = 0;
  /** When the queue last became idle, or went on to the next slice. */
  #lastFinished = Number.NEGATIVE_INFINITY;

  /** The one of a device: plans that run there learn from one another. */
  static of(device: GPUDevice): SpeedModel {
    const model = MODELS.get(device) ?? new SpeedModel();
    MODELS.set(device, model);
    return model;
  }

  /** Predicted milliseconds. */
  predict({ form, amount }: Work): number {
    return amount * (this.#slowness.get(form) ?? 1 / FIRST_SPEED);
  }

  /** Learns from a slice that was submitted and had finished at these times, in milliseconds of one clock. */
  learn(slice: readonly Work[], submitted: number, finished: number): void {
    // The queue works on one slice after another: before the previous one had finished, this one waited.
    this.#took += finished - Math.max(submitted, this.#lastFinished);
    this.#lastFinished = finished;
    for (const { form, amount } of slice) this.#ran.set(form, (this.#ran.get(form) ?? 0) + amount);
    if (this.#took < SHORTEST) return;
    const predicted = [...this.#ran].map(([form, amount]) => [form, this.predict({ form, amount })] as const);
    const times = predicted.map(([, milliseconds]) => milliseconds);
    const longest = Math.max(...times);
    const ratio = Math.max(this.#took / times.reduce((sum, time) => sum + time, 0), 1 / GROWTH);
    for (const [form, milliseconds] of predicted) {
      const share = ratio > OVERRUN ? 1 : milliseconds / longest;
      this.#slowness.set(form, this.predict({ form, amount: 1 }) * ratio ** share);
    }
    this.#ran.clear();
    this.#took = 0;
  }
}
