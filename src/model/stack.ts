// The Reformer as a whole, recorded: embedding, reversible layers, the head's loss, and the way back.
import type { LayerContext } from "../layers/context.js";
import { copyInto } from "../layers/copy.js";
import { embed, embedBackward } from "../layers/embedding.js";
import { type HeadTensors, headLoss } from "../layers/heads.js";
import { layerBackward, layerForward, type StoredLayer, type Streams } from "../layers/reversible-block.js";
import type { Tensor } from "../scheduler/recording.js";

/**
 * Both streams from token ids, then every layer in place. With `store`, keeps what `backward` needs; `before` may record
 * something about the streams that a layer is about to read.
 */
export function forward(
  context: LayerContext,
  tokens: Tensor,
  streams: Streams,
  { store = false, before }: { readonly store?: boolean; readonly before?: (layer: number) => void } = {},
): (StoredLayer | undefined)[] {
  embed(context, tokens, streams.x1);
  copyInto(context, streams.x1, streams.x2);
  return context.config.layers.map((kind, layer) => {
    before?.(layer);
    return layerForward(context, layer, kind, streams, store);
  });
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
  const { layers } = context.config;
  for (let layer = layers.length - 1; layer >= 0; layer--) {
    const kind = layers[layer];
    if (kind) layerBackward(context, layer, kind, streams, gradients, stored[layer]);
  }
  embedBackward(context, tokens, gradients);
}

/** Forward, loss and backward of one batch: gradients are added to the gradient arena. */
export function forwardBackward(
  context: LayerContext,
  tensors: { readonly tokens: Tensor; readonly streams: Streams; readonly gradients: Streams } & HeadTensors,
  options: {
    readonly labelSmoothing: number;
    readonly store: boolean;
    /** Leaves out the way back below the final norm, where nothing is trained. */
    readonly headOnly?: boolean;
  },
): void {
  const { tokens, streams, gradients } = tensors;
  const stored = forward(context, tokens, streams, { store: options.store });
  context.recording.scope("head", () =>
    headLoss(context, streams, tensors, options.labelSmoothing, gradients),
  );
  if (options.headOnly) return;
  backward(context, tokens, streams, gradients, stored);
}
