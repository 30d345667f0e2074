// Runs as the public API gives them: to iterate over, or to finish.
import type { TrainSummary } from "../types.js";

/** A run to iterate over or to finish; it starts with the first step, and is told whether it is to stop. */
export function runOf<T>(start: (stopped: () => boolean) => AsyncGenerator<T, TrainSummary>) {
  let stops = false;
  const begin = () => start(() => stops);
  return {
    [Symbol.asyncIterator]: () => withoutResult(begin()),
    stop: (): void => {
      stops = true;
    },
    finish: async (): Promise<TrainSummary> => {
      const steps = begin();
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
