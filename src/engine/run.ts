// Runs as the public API gives them: to iterate over, or to finish.
import type { TrainSummary } from "../types.js";

/** A run to iterate over or to finish; it starts with the first step. */
export function runOf<T>(start: () => AsyncGenerator<T, TrainSummary>) {
  return {
    [Symbol.asyncIterator]: () => withoutResult(start()),
    finish: async (): Promise<TrainSummary> => {
      const steps = start();
      for (;;) {
        const { done, value } = await steps.next();
        if (done) return value;
      }
    },
  };
}

/** The steps alone: what a `for await` loop sees. */
export async function* withoutResult<T>(steps: AsyncGenerator<T, unknown>): AsyncGenerator<T, undefined> {
  yield* steps;
  return undefined;
}
