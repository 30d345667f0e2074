// Bounded submits: a slice holds as many whole operations as fit a budget of predicted GPU time, and at most two slices are
// in flight, or as many short ones as fit one budget: a browser says some milliseconds late that one is done, and short
// steps of training must not wait for that. So the desktop stays alive, no watchdog fires, and a run can be cancelled in
// between. A dispatch is never split: one that is predicted to take longer than the budget is alone in its slice. Slices
// only group work; its results do not depend on them.
import { untilDone } from "../gpu/completion.js";
import type { SpeedModel, Work } from "./speed-model.js";

/** Predicted GPU milliseconds of a slice: below every watchdog and short enough to cancel in. */
export const SLICE = 100;
/** On a page that a person is using, whose own drawing waits for the slices before it: about one frame. */
export const INTERACTIVE_SLICE = 16;
const IN_FLIGHT = 2;

interface Pending {
  /** Predicted milliseconds. */
  readonly predicted: number;
  readonly done: Promise<void>;
}

/** Cuts work into slices and submits them in turn. */
export class Submitter {
  #pending: Pending[] = [];

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
      let next = this.#slice(work, start, budget);
      while (!this.#hasRoom(next, budget)) {
        await this.#pending[0]?.done;
        next = this.#slice(work, start, budget); // by what the slices before have taught
      }
      this.#submit(encode(next.slice), next);
      start += next.slice.length;
    }
  }

  /** The slice that begins at `start`. */
  #slice<T extends Work>(work: readonly T[], start: number, budget: number) {
    let end = start;
    let predicted = 0;
    do predicted += this.speeds.predict(work[end++] as Work);
    while (end < work.length && predicted + this.speeds.predict(work[end] as Work) <= budget);
    return { slice: work.slice(start, end), predicted };
  }

  #hasRoom({ predicted }: { readonly predicted: number }, budget: number): boolean {
    if (this.#pending.length < IN_FLIGHT) return true;
    return this.#pending.reduce((sum, pending) => sum + pending.predicted, predicted) <= budget;
  }

  #submit(
    commands: GPUCommandBuffer,
    { slice, predicted }: { readonly slice: readonly Work[]; readonly predicted: number },
  ): void {
    const submitted = this.now();
    this.queue.submit([commands]);
    const finished = () => {
      this.#pending = this.#pending.filter((other) => other !== pending);
      this.speeds.learn(slice, submitted, this.now());
    };
    const told = untilDone(this.queue, this.queue.onSubmittedWorkDone());
    const pending = { predicted, done: told.then(finished, finished) }; // whether the device was lost, Gpu.check says
    this.#pending.push(pending);
  }

  /** Resolves when everything submitted has finished. */
  async drain(): Promise<void> {
    await Promise.all(this.#pending.map(({ done }) => done));
  }
}
