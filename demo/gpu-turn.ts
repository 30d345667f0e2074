/** One GPU user at a time: who has the GPU, who waits, and who must give way. */
import { Store } from "./store.js";

/** A higher rank interrupts a lower one; equals wait for each other. */
export const RANK = { hero: 0, filling: 1, asked: 2, owner: 3 } as const;
export type Rank = (typeof RANK)[keyof typeof RANK];

/** Why a user's signal was aborted by the turn itself. */
export class GaveWay extends Error {
  override readonly name = "GaveWay";
}

interface Place {
  readonly who: string;
  readonly rank: Rank;
  readonly abort: AbortController;
  start(): void;
}

export interface TurnState {
  /** Who has the GPU now. */
  readonly holder: string | null;
  /** Its rank, or -1. */
  readonly rank: number;
}

export class GpuTurn extends Store<TurnState> {
  #holder: Place | null = null;
  #waiting: Place[] = [];

  constructor() {
    super({ holder: null, rank: -1 });
  }

  /**
   * Runs `work` once the GPU is free. Its signal is aborted with GaveWay where someone of a higher rank comes, and with
   * the caller's reason where the caller's own signal is.
   */
  async use<T>(
    who: string,
    rank: Rank,
    work: (signal: AbortSignal) => Promise<T>,
    signal?: AbortSignal,
  ): Promise<T> {
    signal?.throwIfAborted();
    const abort = new AbortController();
    const give = () => abort.abort(signal?.reason);
    signal?.addEventListener("abort", give, { once: true });
    let place: Place | undefined;
    try {
      await new Promise<void>((resolve, reject) => {
        place = { who, rank, abort, start: resolve };
        abort.signal.addEventListener("abort", () => reject(abort.signal.reason), { once: true });
        this.#waiting.push(place);
        this.#waiting.sort((a, b) => b.rank - a.rank);
        if (this.#holder && this.#holder.rank < rank) this.#interrupt(this.#holder, who);
        this.#next();
      });
      return await work(abort.signal);
    } finally {
      signal?.removeEventListener("abort", give);
      this.#waiting = this.#waiting.filter((waiting) => waiting !== place);
      if (this.#holder === place) this.#holder = null;
      this.#next();
    }
  }

  /** Takes the GPU until the returned function is called. */
  seize(who: string, rank: Rank = RANK.owner): () => void {
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    void this.use(who, rank, () => held).catch(() => undefined);
    return release;
  }

  #interrupt(place: Place, by: string): void {
    place.abort.abort(new GaveWay(by));
  }

  #next(): void {
    if (!this.#holder) {
      this.#holder = this.#waiting.shift() ?? null;
      this.#holder?.start();
    }
    this.set({ holder: this.#holder?.who ?? null, rank: this.#holder?.rank ?? -1 });
  }
}
