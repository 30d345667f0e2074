/** Trains small models one after the other, and tells every step: for side-by-side runs and for the time of a step. */
import type { ReformerOptions, TrainOptions } from "../../../src/index.js";
import type { Bench } from "../bench.js";

export interface TrainedRun {
  readonly name: string;
  readonly config: ReformerOptions;
  readonly options: TrainOptions;
}

export interface TrainingParams {
  readonly text: string;
  /** What each run is tested on when it is over; default: nothing. */
  readonly heldOut?: string | undefined;
  readonly runs: readonly TrainedRun[];
  readonly seed: number;
  /** Milliseconds after which a run is left, first step excluded. */
  readonly budget: number;
}

export type TrainingTold =
  | {
      readonly kind: "step";
      readonly run: string;
      readonly step: number;
      /** Bits per character. */
      readonly bits: number;
      readonly loss: number;
      readonly gradientNorm: number;
      readonly learningRate: number;
    }
  | {
      readonly kind: "run";
      readonly run: string;
      readonly steps: number;
      /** Median milliseconds of a step, the first left out. */
      readonly milliseconds: number | null;
      /** Bits per character of the held-out text; null where there is none, or the run diverged. */
      readonly heldOut: number | null;
      /** Bytes on the GPU while it trained. */
      readonly bytes: number;
      readonly parameters: number;
      /** Why it ended early, if it did. */
      readonly problem: string | null;
    };

export async function* training(
  bench: Bench,
  { text, heldOut, runs, seed, budget }: TrainingParams,
  signal: AbortSignal,
): AsyncGenerator<TrainingTold> {
  for (const { name, config, options } of runs) {
    signal.throwIfAborted();
    const model = await bench.create(config, { seed, signal });
    try {
      const times: number[] = [];
      let [steps, bytes, last, until] = [0, 0, 0, Number.POSITIVE_INFINITY];
      let problem: string | null = null;
      try {
        for await (const told of model.train(text, {
          evaluateEvery: 0,
          checkpointEvery: 0,
          ...options,
          signal,
        })) {
          const now = performance.now();
          if (steps === 0) {
            until = now + budget;
            ({ total: bytes } = (await model.describe()).memory);
          } else times.push(now - last);
          steps++;
          const { step, loss, gradientNorm, learningRate, bitsPerCharacter: bits } = told;
          yield { kind: "step", run: name, step, bits, loss, gradientNorm, learningRate };
          last = performance.now();
          if (last > until) break;
        }
      } catch (error) {
        if (!(error instanceof Error) || error.name !== "DivergedError") throw error;
        problem = error.message;
      }
      times.sort((a, b) => a - b);
      const { parameters } = await model.describe();
      const { length } = options;
      const tested = heldOut && !problem ? await model.evaluate(heldOut, { length, signal }) : null;
      yield {
        kind: "run",
        run: name,
        steps,
        milliseconds: times[times.length >> 1] ?? null,
        heldOut: tested?.bitsPerCharacter ?? null,
        bytes,
        parameters,
        problem,
      };
    } finally {
      await model.dispose();
    }
  }
}
