// Long work on the host, cut into slices so that a page or worker keeps answering: the work is a generator that yields
// often, and one driver decides when to let other events run.

export interface SliceOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called before each pause and at the end; `loaded` grows to `total`. */
  readonly onProgress?: ((progress: { readonly loaded: number; readonly total: number }) => void) | undefined;
}

const SLICE_MS = 12; // under one frame of 60 Hz

/** Runs a generator to its end without pausing. */
export function runAtOnce<T>(steps: Generator<number, T>): T {
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}

/**
 * Runs a generator, which yields how much of `total` is done, pausing every few milliseconds.
 * @throws signal.reason where the signal aborts
 */
export async function runInSlices<T>(
  steps: Generator<number, T>,
  total: number,
  options: SliceOptions = {},
): Promise<T> {
  const { signal, onProgress } = options;
  let sliceEnd = performance.now() + SLICE_MS;
  for (;;) {
    signal?.throwIfAborted();
    const step = steps.next();
    if (step.done) {
      onProgress?.({ loaded: total, total });
      return step.value;
    }
    if (performance.now() < sliceEnd) continue;
    onProgress?.({ loaded: step.value, total });
    await new Promise((resolve) => setTimeout(resolve, 0));
    sliceEnd = performance.now() + SLICE_MS;
  }
}
