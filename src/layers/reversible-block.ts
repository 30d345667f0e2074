// One layer of the Reformer: y1 = x1 + attention(x2), y2 = x2 + feedForward(y1), in place on the two streams.
// The backward pass turns the streams back from (y1, y2) to (x1, x2) while it recomputes both blocks (Gomez et al. 2017),
// so memory does not grow with depth; the stored form keeps what it needs instead.
import type { LayerKind } from "../config/config.js";
import { type AttentionState, addAttention, attentionBackward, attentionState } from "./attention.js";
import type { LayerContext } from "./context.js";
import { copyRows } from "./copy.js";
import { feedForward, feedForwardBackward, type StoredFeedForward } from "./feed-forward.js";
import { groupContexts } from "./head-groups.js";
import type { Rows } from "./rows.js";

/** The two residual streams, and their gradients. */
export interface Streams {
  readonly x1: Rows;
  readonly x2: Rows;
}

/** What the plain (stored) backward pass keeps of a layer. */
export interface StoredLayer {
  readonly x2: Rows;
  readonly y1: Rows;
  /** Of each group of heads. */
  readonly attention: readonly AttentionState[];
  readonly feedForward: StoredFeedForward;
}

/** Forward, in place. With `store`, keeps what `backward` needs without recomputation. */
export function layerForward(
  context: LayerContext,
  layer: number,
  kind: LayerKind,
  streams: Streams,
  store = false,
): StoredLayer | undefined {
  return context.recording.scope(`layer${layer}`, () => {
    const { x1, x2 } = streams;
    const { recording } = context;
    const states = recording.scope(kind, () =>
      groupContexts(context, layer, kind).map((group) => {
        const state = attentionState(group, layer, kind, x2);
        if (!(kind === "lsh" && context.withoutLsh)) addAttention(group, layer, state, x1, "residualAdd");
        return state;
      }),
    );
    const before = store ? { x2: copyRows(context, "x2", x2), y1: copyRows(context, "y1", x1) } : undefined;
    const inner = recording.scope("feed-forward", () => feedForward(context, layer, x1, x2));
    return before && { ...before, attention: states, feedForward: inner };
  });
}

/**
 * All layers of a stack in place, numbered from `first`. With `store`, keeps what the way back needs; `before` may record
 * something about the streams that a layer is about to read.
 */
export function stackForward(
  context: LayerContext,
  kinds: readonly LayerKind[],
  streams: Streams,
  options: {
    readonly first?: number;
    readonly store?: boolean;
    readonly before?: ((layer: number) => void) | undefined;
  } = {},
): (StoredLayer | undefined)[] {
  const { first = 0, store = false, before } = options;
  return kinds.map((kind, i) => {
    before?.(first + i);
    return layerForward(context, first + i, kind, streams, store);
  });
}

/** From the gradients of a stack's outputs to those of its inputs, in place. */
export function stackBackward(
  context: LayerContext,
  kinds: readonly LayerKind[],
  streams: Streams,
  gradients: Streams,
  stored: readonly (StoredLayer | undefined)[],
  first = 0,
): void {
  for (const [i, kind] of [...kinds.entries()].reverse()) {
    layerBackward(context, first + i, kind, streams, gradients, stored[i]);
  }
}

/** Backward from the layer's outputs; without `stored` the streams are turned back to the layer's inputs. */
export function layerBackward(
  context: LayerContext,
  layer: number,
  kind: LayerKind,
  streams: Streams,
  gradients: Streams,
  stored?: StoredLayer,
): void {
  const { x1: dy1, x2: dy2 } = gradients;
  const { recording } = context;
  recording.scope(`layer${layer}.backward`, () => {
    const y1 = stored?.y1 ?? streams.x1;
    const x2 = stored?.x2 ?? streams.x2;
    recording.scope("feed-forward", () =>
      feedForwardBackward(context, layer, { y1, y2: streams.x2, dy1, dy2 }, stored?.feedForward),
    );
    recording.scope(kind, () => {
      for (const [i, group] of groupContexts(context, layer, kind, !stored).entries()) {
        const state = stored?.attention[i] ?? attentionState(group, layer, kind, x2);
        if (!stored) addAttention(group, layer, state, streams.x1, "residualSub");
        attentionBackward(group, layer, kind, state, { x: x2, dOut: dy1, dx: dy2 });
      }
    });
  });
}
