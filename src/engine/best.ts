// The checkpoint of the lowest held-out loss, and whether it is worth going on.
import type { HistoryPoint } from "../io/checkpoint.js";
import { unpackCheckpoint } from "../io/checkpoint.js";
import type { CheckpointFiles, CheckpointStore } from "../io/checkpoint-store.js";

export class BestKeeper {
  #step: number | undefined;
  #loss = Number.POSITIVE_INFINITY;
  /** Evaluations since the best one. */
  #stale = 0;

  /** @param patience evaluations without a better loss before a run stops; 0: it never does */
  constructor(
    readonly store: CheckpointStore,
    readonly patience: number,
  ) {}

  /** Step and loss of the best checkpoint of this run. */
  get best(): { readonly step: number; readonly loss: number } | undefined {
    return this.#step === undefined ? undefined : { step: this.#step, loss: this.#loss };
  }

  get exhausted(): boolean {
    return this.patience > 0 && this.#stale >= this.patience;
  }

  /** Goes on from what an earlier part of the run kept. */
  async resume(history: readonly HistoryPoint[]): Promise<void> {
    const files = await this.store.load();
    const kept = files && unpackCheckpoint(files).training;
    const point = kept?.history.find(({ step }) => step === kept.step);
    if (!kept || point?.heldOutLoss === undefined || kept.step > (history.at(-1)?.step ?? 0)) return;
    this.#step = kept.step;
    this.#loss = point.heldOutLoss;
    this.#stale = history.filter((one) => one.step > kept.step && one.heldOutLoss !== undefined).length;
  }

  /** Keeps the run as `pack` gives it if this is its best evaluation. */
  async consider(step: number, loss: number, pack: () => Promise<CheckpointFiles>): Promise<boolean> {
    if (loss >= this.#loss) {
      this.#stale++;
      return false;
    }
    await this.store.save(await pack());
    this.#step = step;
    this.#loss = loss;
    this.#stale = 0;
    return true;
  }
}
