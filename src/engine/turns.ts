// Calls of one model take turns: each waits until all earlier ones have ended.

export class Turns {
  #busy: Promise<unknown> = Promise.resolve();

  /** Runs `work` after all earlier calls. */
  alone<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#busy.then(work);
    this.#busy = result.catch(() => undefined);
    return result;
  }

  /** Iterates `steps` after all earlier calls; later calls wait until it has ended. */
  async *steps<T, R>(steps: AsyncGenerator<T, R>): AsyncGenerator<T, R> {
    const before = this.#busy;
    let ended = (): void => undefined;
    this.#busy = new Promise((resolve) => {
      ended = () => resolve(undefined);
    });
    try {
      await before;
      return yield* steps;
    } finally {
      ended();
    }
  }
}
