// The public vocabulary of training: on a text, and on examples.
import type { Example } from "./types-tasks.js";

export type LearningRateSchedule = "constant" | "linear" | "cosine" | "inverse-square-root";

export interface TrainOptions {
  /** Optimiser steps in all, those of a resumed run included. */
  readonly steps: number;
  /** Sequences per step; default 1. */
  readonly batchSize?: number | undefined;
  /** Tokens per sequence; default 512. Any length up to the model's maxLength. */
  readonly length?: number | undefined;
  /** Batches whose gradients are summed into one optimiser step; default 1. */
  readonly accumulate?: number | undefined;
  readonly optimizer?: "adamw" | "adafactor" | undefined;
  /** Peak learning rate; default 1e-3. */
  readonly learningRate?: number | undefined;
  readonly schedule?: LearningRateSchedule | undefined;
  /** Steps over which the learning rate rises from 0; default 5 % of `steps`. */
  readonly warmupSteps?: number | undefined;
  readonly weightDecay?: number | undefined;
  /** Largest global gradient norm; default 1. 0 switches clipping off. */
  readonly clipNorm?: number | undefined;
  readonly labelSmoothing?: number | undefined;
  /** How activations come back in the backward pass; default "reversible". */
  readonly backward?: "reversible" | "stored" | undefined;
  /** Residual streams: exact int32 fixed point (default) or f32. */
  readonly streams?: "int32" | "f32" | undefined;
  /**
   * "mixed": matrix products round their operands to half precision and sum in f32, and attention's normalised rows,
   * queries, keys and values are stored so; weights, optimiser and everything else stay f32. The loss is scaled to keep
   * gradients in range; a step that leaves it is skipped. Default "f32".
   */
  readonly precision?: "f32" | "mixed" | undefined;
  /**
   * true: a new run first times the forms of its matrix products on this device, for about a second, and takes the fastest
   * ones until its end (its checkpoints name them); in "f32" only. What was found is kept for later runs and visits. Forms
   * round differently, so two runs that timed for themselves may differ in the last bits, which is why the default is false.
   */
  readonly tune?: boolean | undefined;
  /** Share of the text, its end, that is never trained on; default 0.1. */
  readonly heldOut?: number | undefined;
  /** Windows to train on begin at multiples of so many tokens of the text; default 1. For texts of records. */
  readonly stride?: number | undefined;
  /** Steps between evaluations on the held-out text; default 50. 0 switches them off. */
  readonly evaluateEvery?: number | undefined;
  /** Tokens of held-out text per evaluation, from its start; default 4,096. */
  readonly evaluateTokens?: number | undefined;
  /** Steps between saved checkpoints; default 100. 0: only at the end and on pause. */
  readonly checkpointEvery?: number | undefined;
  /**
   * Name to save under (OPFS in a browser, a folder in Node); none: nothing is saved. One that begins with "memory:" is
   * kept in memory as long as this model: a run can be left for another call and gone on with.
   */
  readonly checkpoint?: string | undefined;
  /** Go on from the checkpoint of that name where there is one; default true. */
  readonly resume?: boolean | undefined;
  /** Steps between texts written by the model; default 0, none. */
  readonly sampleEvery?: number | undefined;
  readonly samplePrompt?: string | undefined;
  readonly sampleTokens?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** One optimiser step. Losses are in nats per token. */
export interface TrainStep {
  readonly step: number;
  readonly steps: number;
  readonly loss: number;
  /** loss in bits per character of the text trained on. */
  readonly bitsPerCharacter: number;
  readonly gradientNorm: number;
  readonly learningRate: number;
  /** Averaged over the last 16 steps. */
  readonly tokensPerSecond: number;
  readonly secondsLeft: number;
  readonly heldOut?:
    | {
        readonly loss: number;
        readonly bitsPerCharacter: number;
        /** Share of right predictions; of examples with labels that are right or wrong. */
        readonly accuracy?: number | undefined;
      }
    | undefined;
  /** Text the model wrote after this step. */
  readonly sample?: string | undefined;
  /** True where a checkpoint of this step has been written. */
  readonly saved?: boolean | undefined;
  /** Said once after a lost device: the run went on from this earlier step on a new one. */
  readonly recoveredFrom?: number | undefined;
  /** Something the person should know, in a sentence. */
  readonly notice?: string | undefined;
}

export interface TrainSummary {
  readonly step: number;
  readonly loss: number;
  readonly heldOut?: { readonly loss: number; readonly bitsPerCharacter: number } | undefined;
  readonly seconds: number;
  /** Of a run that keeps its best checkpoint: the step whose weights the model has now. */
  readonly best?: { readonly step: number; readonly loss: number } | undefined;
}

/** As `TrainOptions`, with examples instead of a text. `length` is that of the longest example where left out. */
export interface FineTuneOptions
  extends Omit<
    TrainOptions,
    "heldOut" | "stride" | "evaluateTokens" | "sampleEvery" | "samplePrompt" | "sampleTokens"
  > {
  /** Share of the examples, drawn with the seed, that is never trained on (default 0.1), or such examples. */
  readonly heldOut?: number | readonly Example[] | undefined;
  /** Parameters whose names begin with one of these stay as they are: "reformer." trains the head alone. */
  readonly freeze?: readonly string[] | undefined;
  /** What the examples of each label count, for single-label heads; default 1 each. Held-out ones always count 1. */
  readonly classWeights?: readonly number[] | undefined;
  /** Evaluations without a lower held-out loss before the run stops; default 3. 0: it takes all steps. */
  readonly patience?: number | undefined;
  /**
   * Tokens of a target, its end included, where the model is sequence to sequence and `length` counts those of a source;
   * default: of the longest target.
   */
  readonly targetLength?: number | undefined;
  /** Share of tokens hidden from a masked language model; default 0.15. */
  readonly maskShare?: number | undefined;
}

/** One optimiser step on examples. Losses are in nats per example (per hidden token), or squares for regression. */
export interface FineTuneStep extends Omit<TrainStep, "bitsPerCharacter" | "heldOut" | "sample"> {
  /** On the held-out examples; accuracy where predictions are right or wrong. */
  readonly heldOut?: { readonly loss: number; readonly accuracy?: number | undefined } | undefined;
}

/** As `TrainRun`. When it has ended by itself, the model has the weights of the lowest held-out loss. */
export interface FineTuneRun extends AsyncIterable<FineTuneStep> {
  finish(): Promise<TrainSummary>;
  stop(): void;
}

/**
 * An async iterable of steps. Leaving the loop stops the run at a step boundary, as the signal does: steps that the GPU had
 * begun by then are part of the model and of its checkpoint, but nobody is told of them.
 */
export interface TrainRun extends AsyncIterable<TrainStep> {
  /** Runs to the end without a loop. */
  finish(): Promise<TrainSummary>;
  /** No step begins after this: the loop gets those that had begun, all is saved, and the loop, or `finish()`, ends. */
  stop(): void;
}
