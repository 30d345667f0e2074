// The Reformer as a whole, recorded: embedding, reversible layers, the head's loss, and the way back.
import type { LayerContext } from "../layers/context.js";
import { copyInto } from "../layers/copy.js";
import { embed, embedBackward } from "../layers/embedding.js";
import { type HeadTensors, headLoss } from "../layers/heads.js";
import { type StoredLayer, type Streams, stackBackward, stackForward } from "../layers/reversible-block.js";
import type { Tensor } from "../scheduler/recording.js";
import { type PairTensors, pairBackward, pairForward } from "./sequence-to-sequence.js";

/**
 * Both streams from token ids, then every layer in place. With `store`, keeps what `backward` needs; `before` may record
 * something about the streams that a layer is about to read.
 */
export function forward(
  context: LayerContext,
  tokens: Tensor,
  streams: Streams,
  options: { readonly store?: boolean; readonly before?: (layer: number) => void } = {},
): (StoredLayer | undefined)[] {
  embed(context, tokens, streams.x1);
  copyInto(context, streams.x1, streams.x2);
  return stackForward(context, context.config.layers, streams, options);
}

/**
 * From the gradients of the final streams to those of every parameter below the head. Without `stored` the streams
 * are turned back layer by layer, down to the embedding.
 */
export function backward(
  context: LayerContext,
  tokens: Tensor,
  streams: Streams,
  gradients: Streams,
  stored: readonly (StoredLayer | undefined)[],
): void {
  stackBackward(context, context.config.layers, streams, gradients, stored);
  embedBackward(context, tokens, gradients);
}

/** What a model reads: sequences of tokens, or with a sequence-to-sequence model pairs of them. */
export interface ModelTensors {
  /** u32 [tokens]; of pairs, the targets'. */
  readonly tokens: Tensor;
  readonly pair?: PairTensors | undefined;
}

/** The final streams of what a model of any head reads. */
export function forwardOf(context: LayerContext, { tokens, pair }: ModelTensors, streams: Streams): void {
  if (pair) pairForward(context, pair, streams);
  else forward(context, tokens, streams);
}

/** Forward, loss and backward of one batch: gradients are added to the gradient arena. */
export function forwardBackward(
  context: LayerContext,
  tensors: ModelTensors & { readonly streams: Streams; readonly gradients: Streams } & HeadTensors,
  options: {
    readonly labelSmoothing: number;
    readonly store: boolean;
    /** Leaves out the way back below the final norm, where nothing is trained. */
    readonly headOnly?: boolean;
  },
): void {
  const { tokens, pair, streams, gradients } = tensors;
  const { store, labelSmoothing, headOnly } = options;
  const loss = () =>
    context.recording.scope("head", () => headLoss(context, streams, tensors, labelSmoothing, gradients));
  if (pair) {
    const state = pairForward(context, pair, streams, store);
    loss();
    if (!headOnly) pairBackward(context, pair, streams, gradients, state);
    return;
  }
  const stored = forward(context, tokens, streams, { store });
  loss();
  if (!headOnly) backward(context, tokens, streams, gradients, stored);
}
