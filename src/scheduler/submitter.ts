// Bounded submits: a slice holds as many whole operations as fit a budget of predicted GPU time, and at most two slices are
// in flight. So the desktop stays alive, no watchdog fires, and a run can be cancelled in between. A dispatch is never
// split: one that is predicted to take longer than the budget is alone in its slice. Slices only group work; its results
// do not depend on them.
import { untilDone } from "../gpu/completion.js";
import type { SpeedModel, Work } from "./speed-model.js";

/** Predicted GPU milliseconds of a slice: below every watchdog and short enough to cancel in. */
export const SLICE = 100;
/** On a page that a person is using, whose own drawing waits for the slices before it: about one frame. */
export const INTERACTIVE_SLICE = 16;
const IN_FLIGHT = 2;

/** Cuts work into slices and submits them in turn. */
export class Submitter {
  #pending: Promise<void>[] = [];

  constructor(
    readonly queue: Pick<GPUQueue, "submit" | "onSubmittedWorkDone">,
    readonly speeds: SpeedModel,
    readonly now: () => number = () => performance.now(),
  ) {}

  /**
   * Submits all work in slices of `budget` milliseconds; resolves when it has been submitted (not finished). `encode` is
   * called for each slice once there is room for it, and ends the run by throwing.
   */
  async run<T extends Work>(
    work: readonly T[],
    budget: number,
    encode: (slice: readonly T[]) => GPUCommandBuffer,
  ): Promise<void> {
    for (let start = 0; start < work.length; ) {
      while (this.#pending.length >= IN_FLIGHT) await this.#pending[0];
      const slice = work.slice(start, this.#end(work, start, budget)); // by what the slices before have taught
      this.#submit(encode(slice), slice);
      start += slice.length;
    }
  }

  /** Where the slice ends that begins at `start`. */
  #end(work: readonly Work[], start: number, budget: number): number {
    let end = start;
    let total = 0;
    do total += this.speeds.predict(work[end++] as Work);
    while (end < work.length && total + this.speeds.predict(work[end] as Work) <= budget);
    return end;
  }

  #submit(commands: GPUCommandBuffer, slice: readonly Work[]): void {
    const submitted = this.now();
    this.queue.submit([commands]);
    const finished = () => {
      this.#pending = this.#pending.filter((p) => p !== done);
      this.speeds.learn(slice, submitted, this.now());
    };
    const done = untilDone(this.queue, this.queue.onSubmittedWorkDone()).then(finished, finished); // whether the device was lost, Gpu.check says
    this.#pending.push(done);
  }

  /** Resolves when everything submitted has finished. */
  async drain(): Promise<void> {
    await Promise.all(this.#pending);
  }
}
