/** How a station measures: it waits for the GPU, runs, gives way to others, and ends by itself or when it is stopped. */
import { html, nothing, type TemplateResult } from "lit";
import { problemText } from "../elements/problem-text.js";
import { GaveWay, type GpuTurn, type Rank } from "../gpu-turn.js";
import type { Dictionary } from "../i18n/dictionary.js";

export type Phase = "idle" | "waiting" | "measuring" | "done" | "stopped" | "failed";

export class Measurement {
  #phase: Phase = "idle";
  #problem: Error | null = null;
  #abort: AbortController | null = null;

  /** @param changed called when the phase is another one */
  constructor(readonly changed: () => void) {}

  get phase(): Phase {
    return this.#phase;
  }
  get busy(): boolean {
    return this.#phase === "waiting" || this.#phase === "measuring";
  }

  /** Runs `work` with the GPU, in place of what runs now. */
  async begin(
    turn: GpuTurn,
    who: string,
    rank: Rank,
    work: (signal: AbortSignal) => Promise<void>,
  ): Promise<void> {
    this.#abort?.abort();
    const abort = new AbortController();
    this.#abort = abort;
    for (;;) {
      this.#set("waiting");
      try {
        await turn.use(
          who,
          rank,
          (signal) => {
            this.#set("measuring");
            return work(signal);
          },
          abort.signal,
        );
        if (this.#abort === abort) this.#set("done");
      } catch (error) {
        if (this.#abort !== abort) return; // another measurement has taken over
        if (error instanceof GaveWay) continue; // it waits for its next turn
        if (abort.signal.aborted) this.#set("stopped");
        else this.fail(error);
      }
      return;
    }
  }

  stop(): void {
    this.#abort?.abort();
  }

  /** Stops, and is as new. */
  reset(): void {
    this.#abort?.abort();
    this.#abort = null; // what is stopped here does not report
    this.#phase = "idle";
  }

  fail(error: unknown): void {
    this.#problem = error instanceof Error ? error : new Error(String(error));
    this.#set("failed");
  }

  /** What a reader is told; of a wait, who has the GPU. */
  text(turn: GpuTurn, t: Dictionary): string | TemplateResult {
    const { status, holders } = t.chapter;
    if (this.#phase === "failed") {
      if (!this.#problem) return "";
      const { title, remedy, own } = problemText(this.#problem, t);
      const said = own ? nothing : html`<span lang="en">${this.#problem.message}</span>`;
      return html`${status.failed(title)} ${remedy} ${said}`;
    }
    if (this.#phase !== "waiting") return status[this.#phase];
    const who = turn.state.holder ?? "";
    const [, other] = /^station (\d+)$/.exec(who) ?? [];
    if (other) return status.waiting(holders.station(other));
    const named = who === "hero" || who === "studio" || who === "gpu-test";
    return status.waiting(named ? holders[who] : holders.other);
  }

  #set(phase: Phase): void {
    this.#phase = phase;
    this.changed();
  }
}
