// A sequence-to-sequence model's encoded source: the norm of the mean of the encoder's two streams, and how it stands
// before the target in one sequence (trax ConfigurableTerraformer).
import { type JoinedDims, joinSequences, splitSequences } from "../kernels/sequence-join.js";
import { averageStreams, halve } from "../kernels/stream.js";
import type { Tensor } from "../scheduler/recording.js";
import type { LayerContext } from "./context.js";
import { finalSlot } from "./head.js";
import { normalize, normalizeBackward } from "./norm.js";
import type { Streams } from "./reversible-block.js";
import { type Rows, ranges, slice } from "./rows.js";

export const ENCODED_NORM = "reformer.encoder.layer_norm";

/** A matrix of one slab. */
export function oneSlab(tensor: Tensor, width: number): Rows {
  const count = tensor.byteLength / 4 / width;
  return { count, width, slabRows: count, slabs: [tensor] };
}

/** The mean of both streams, as stream words [rows, E]; streams of one slab. */
function meanOf({ recording, fixedPoint }: LayerContext, { x1, x2 }: Streams): Tensor {
  const { count, width } = x1;
  const mean = recording.tensor("mean", [count, width], "i32");
  const dims = { count: count * width, fixedPoint };
  recording.dispatch(averageStreams, dims, { words: x1.slabs[0], others: x2.slabs[0], mean });
  return mean;
}

/** What the decoder reads of every source: f32 [rows, E]. */
export function encodedStates(context: LayerContext, streams: Streams): Tensor {
  return normalize(
    context,
    ENCODED_NORM,
    meanOf(context, streams),
    streams.x1.count,
    finalSlot(context.config),
  );
}

/** Gradients of both streams, from that of the encoded states; adds those of the norm. */
export function encodedStatesBackward(context: LayerContext, streams: Streams, dStates: Tensor): Streams {
  const { recording } = context;
  const { count, width } = streams.x1;
  const shape = [count, width];
  const [dx1, dx2] = [recording.tensor("dx1", shape), recording.tensor("dx2", shape)];
  recording.clear(dx1);
  const x = meanOf(context, streams);
  normalizeBackward(context, ENCODED_NORM, { x, dOut: dStates, dx: dx1 }, count);
  recording.dispatch(halve, { count: count * width }, { values: dx1 });
  recording.copy(dx1, dx2);
  return { x1: oneSlab(dx1, width), x2: oneSlab(dx2, width) };
}

/** What is joined, and how long it is with its padding. */
export interface Joint {
  /** u32 [batch]: real tokens of every source. */
  readonly sources: Tensor;
  readonly sourceLength: number;
  readonly targetLength: number;
}

function jointDims(
  { batch, length, config }: LayerContext,
  { sourceLength, targetLength }: Joint,
  rowOffset: number,
  rows: number,
): JoinedDims {
  return { batch, length, size: config.hiddenSize, sourceLength, targetLength, rowOffset, rows };
}

/** x = source, then target, of every sequence; `context.length` is that of both. */
export function join(
  context: LayerContext,
  joint: Joint,
  parts: { readonly source: Tensor; readonly targets: Tensor },
  x: Rows,
): void {
  const { recording, fixedPoint } = context;
  for (const { start, count } of ranges([x])) {
    const dims = { ...jointDims(context, joint, start, count), fixedPoint };
    recording.dispatch(joinSequences, dims, {
      sources: joint.sources,
      ...parts,
      joined: slice(x, start, count),
    });
  }
}

/** Gradients of both parts, from those of both streams that begin as the joined sequence. */
export function split(
  context: LayerContext,
  joint: Joint,
  gradients: Streams,
): { readonly source: Tensor; readonly targets: Tensor } {
  const { recording, batch, config } = context;
  const part = (label: string, length: number, after: boolean): Tensor => {
    const out = recording.tensor(label, [batch, length, config.hiddenSize]);
    recording.clear(out);
    for (const { start, count } of ranges([gradients.x1, gradients.x2])) {
      const [dx1, dx2] = [slice(gradients.x1, start, count), slice(gradients.x2, start, count)];
      const dims = { ...jointDims(context, joint, start, count), after };
      recording.dispatch(splitSequences, dims, { sources: joint.sources, dx1, dx2, part: out });
    }
    return out;
  };
  return {
    source: part("dSource", joint.sourceLength, false),
    targets: part("dTargets", joint.targetLength, true),
  };
}
