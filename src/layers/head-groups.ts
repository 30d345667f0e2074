// Groups of heads: attention computes some heads at a time, from the projections to the residual stream, so that what it
// keeps of each head need not be there for all of them at once. A group is recorded as if the model had no other heads.
import { type LayerKind, type ReformerConfig, runsFullAttention } from "../config/config.js";
import { ConfigError } from "../errors.js";
import { ALIGNMENT, type Recording, rowOf, type Tensor } from "../scheduler/recording.js";
import { elements } from "../shapes.js";
import type { GivenInputs, LayerContext } from "./context.js";
import { drawRotations } from "./hash.js";

/** Heads that a group may have, the most first: a part of all, whose rows of the weights can be bound. */
export function headGroups({
  numHeads,
  headSize,
  hiddenSize,
}: Pick<ReformerConfig, "numHeads" | "headSize" | "hiddenSize">): number[] {
  const bytes = 4 * headSize * hiddenSize;
  return Array.from({ length: numHeads }, (_, i) => numHeads - i).filter(
    (heads) => heads < numHeads && numHeads % heads === 0 && (heads * bytes) % ALIGNMENT === 0,
  );
}

/**
 * Contexts to record a layer's attention in, one for each group of heads: `config.numHeads` are those of the group.
 * Where all heads are computed at once, the context itself. Without `hashes` they have nothing to hash with: then the
 * attention of every group must have been kept.
 * @throws {ConfigError} where there are no groups of `headGroup` heads
 */
export function groupContexts(
  context: LayerContext,
  layer: number,
  kind: LayerKind,
  hashes = true,
): LayerContext[] {
  const { config, headGroup = config.numHeads } = context;
  const { numHeads } = config;
  if (headGroup === numHeads) return [context];
  if (!headGroups(config).includes(headGroup)) {
    throw new ConfigError(
      `attention of ${headGroup} heads at a time: of ${numHeads} heads of ${config.headSize}, groups of ${headGroups(config).join(", ") || "no number"} can be`,
    );
  }
  const groups = numHeads / headGroup;
  const given = hashes ? hashInputs(context, layer, kind) : {};
  return Array.from({ length: groups }, (_, group) => ({
    ...context,
    config: { ...config, numHeads: headGroup },
    headsOf: { all: numHeads, first: group * headGroup },
    given: { ...context.given, ...partOf(context, layer, given, { groups, group }) },
  }));
}

/** What a layer hashes with, of all heads: groups that drew for themselves would draw alike. */
function hashInputs(
  context: LayerContext,
  layer: number,
  kind: LayerKind,
): { readonly buckets?: Tensor | undefined; readonly rotations?: Tensor | undefined } {
  const { config, length, given } = context;
  if (kind !== "lsh" || runsFullAttention(config, kind, length)) return {};
  const buckets = given.buckets?.get(layer);
  if (buckets) return { buckets };
  return { rotations: given.rotations?.get(layer) ?? drawRotations(context, layer, config.numHashes) };
}

interface Part {
  readonly groups: number;
  readonly group: number;
}

function partOf(
  { recording, batch }: LayerContext,
  layer: number,
  { buckets, rotations }: ReturnType<typeof hashInputs>,
  part: Part,
): Pick<GivenInputs, "buckets" | "rotations"> {
  return {
    ...(buckets && { buckets: new Map([[layer, copyPart(recording, buckets, batch, part)]]) }),
    ...(rotations && { rotations: new Map([[layer, copyPart(recording, rotations, 1, part)]]) }),
  };
}

/** A group's part of [sequences, heads, …], copied: where it begins suits no binding. */
function copyPart(recording: Recording, all: Tensor, sequences: number, { groups, group }: Part): Tensor {
  const width = elements(all.shape) / (sequences * groups);
  const copied = recording.tensor(`part of ${all.label}`, [sequences, width], all.type);
  for (let i = 0; i < sequences; i++) {
    recording.copy(rowOf(all, i * groups + group, width), rowOf(copied, i, width));
  }
  return copied;
}
