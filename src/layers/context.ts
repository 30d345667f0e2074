// What every layer is recorded with.
import type { ReformerConfig } from "../config/config.js";
import type { Recording, Tensor } from "../scheduler/recording.js";

/**
 * Parameters of a layer have names that begin so. The layers of a sequence-to-sequence model's encoder are numbered after
 * those of its decoder: every layer has rotations, dropout masks and a word of the status tensor of its own.
 */
export function layerName({ head, layers }: Pick<ReformerConfig, "head" | "layers">, layer: number): string {
  if (head !== "sequence-to-sequence") return `reformer.encoder.layers.${layer}`;
  const own = layer - layers.length;
  return own < 0 ? `reformer.decoder.layers.${layer}` : `reformer.encoder.layers.${own}`;
}

/** Name of the norm over both final streams. */
export function finalNorm({ head }: Pick<ReformerConfig, "head">): string {
  return head === "sequence-to-sequence" ? "reformer.decoder.layer_norm" : "reformer.encoder.layer_norm";
}

/** Words of the status tensor: slot l holds the largest |stream word| that layer l has read. */
export const STATUS_SLOTS = 64;

/** Values that replace the ones drawn or computed here: what a recorded case of another implementation fixes. */
export interface GivenInputs {
  /** Per layer: what its family of hashing draws (`drawnShape`), [heads, headSize, rounds, columns] by default. */
  readonly rotations?: ReadonlyMap<number, Tensor>;
  /** Per layer: u32 [batch, heads, rounds, length], without round offsets. */
  readonly buckets?: ReadonlyMap<number, Tensor>;
  /** Keep masks (u32 0/1) by dropout place, for example "0.attention.output". */
  readonly keep?: ReadonlyMap<string, Tensor>;
}

export interface LayerContext {
  readonly recording: Recording;
  readonly config: ReformerConfig;
  readonly batch: number;
  /** Tokens per sequence, padding included. */
  readonly length: number;
  /** Residual streams in int32 fixed point; false: f32. */
  readonly fixedPoint: boolean;
  /** Normalised rows, queries, keys and values of attention are stored as halves, where rows have an even width. */
  readonly halves?: boolean | undefined;
  /** Dropout is on. */
  readonly training: boolean;
  /** u32 [batch, length], 1 for real tokens; none: all are. */
  readonly keyMask?: Tensor | undefined;
  /** u32 [16], shaders/shared/control.wgsl. */
  readonly control: Tensor;
  /** Control words of the hash rotations: `control`, or ones that never change where the configuration fixes the seed. */
  readonly hashControl: Tensor;
  /** Per layer, of centred hashing: sums and count of the keys so far, where a generation goes on from them. */
  readonly keySums?: ReadonlyMap<number, Tensor> | undefined;
  /** u32 [STATUS_SLOTS]. */
  readonly status: Tensor;
  readonly weight: (name: string) => Tensor;
  readonly gradient: (name: string) => Tensor;
  /** Rows of a token-major tensor that one binding holds. */
  readonly slabRows: (width: number) => number;
  /** Forms that compute wrongly on the device, as `formName` has them; default none. */
  readonly broken?: ReadonlySet<string> | undefined;
  /** Feed-forward blocks and heads divide their rows at a time by it, where the configuration leaves them open; default 1. */
  readonly chunkDivisor?: number | undefined;
  /** Heads that attention computes at a time; default all. */
  readonly headGroup?: number | undefined;
  /** Where the heads are one of such groups (`groupContexts`): how many there are in all, and the number of its first. */
  readonly headsOf?: { readonly all: number; readonly first: number } | undefined;
  readonly given: GivenInputs;
  /** Position of the first token of every sequence; 0 where absent. */
  readonly positionOffset?: number | undefined;
  /** Tokens at the end of every sequence that are padding and have no position of their own; 0 where absent. */
  readonly padding?: number | undefined;
  /** Leaves the LSH layers' output out of the residual stream: what do they contribute? */
  readonly withoutLsh?: boolean | undefined;
}

/** Places where dropout acts; each layer has its own key for each. */
export const DROPOUT_PLACES = {
  "attention.probabilities": 0,
  "attention.output": 1,
  "feedForward.inner": 2,
  "feedForward.output": 3,
  word: 4,
  position: 5,
  final: 6,
  // Layer -1 has no attention: the classifier's places take its numbers.
  "classifier.input": 0,
  "classifier.inner": 1,
  // And so do a target's places.
  "target.word": 2,
  "target.position": 3,
} as const;
export type DropoutPlace = keyof typeof DROPOUT_PLACES;

/** How one place drops: kernel fields and the tensors they need. Layer -1 is the embedding and the output. */
export function dropoutAt(
  context: LayerContext,
  layer: number,
  place: DropoutPlace,
  rate: number,
): {
  readonly dims: { readonly dropout: 0 | 1 | 2; readonly dropoutRate: number; readonly site: number };
  readonly tensors: { readonly control?: Tensor; readonly keep?: Tensor };
} {
  const site = (layer + 1) * 8 + DROPOUT_PLACES[place];
  if (!context.training || rate === 0) return { dims: { dropout: 0, dropoutRate: 0, site }, tensors: {} };
  const keep = context.given.keep?.get(`${layer}.${place}`);
  if (keep) return { dims: { dropout: 2, dropoutRate: rate, site }, tensors: { keep } };
  return { dims: { dropout: 1, dropoutRate: rate, site }, tensors: { control: context.control } };
}

/** For contexts that never go back. */
export function noGradient(name: string): Tensor {
  throw new Error(`internal: no gradient of ${name}`);
}
