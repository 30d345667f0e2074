// Sequence to sequence, recorded: a reversible encoder that sees both directions reads the source; its states and the
// embedded target follow one another in one sequence, and one causal reversible decoder runs over both, its predictions
// of the target counting (trax ConfigurableTerraformer). There is no attention of another kind between the two.
import { longestLength, type ReformerConfig } from "../config/config.js";
import type { LayerContext } from "../layers/context.js";
import { copyInto } from "../layers/copy.js";
import { embed, embedBackward, embeddingGradients } from "../layers/embedding.js";
import { encodedStates, encodedStatesBackward, type Joint, join, oneSlab, split } from "../layers/encoded.js";
import { type StoredLayer, type Streams, stackBackward, stackForward } from "../layers/reversible-block.js";
import type { Tensor } from "../scheduler/recording.js";

/** A batch of sources and what is known of their targets. */
export interface PairTensors extends Joint {
  /** u32 [batch · sourceLength]. */
  readonly sourceTokens: Tensor;
  /** u32 [batch, sourceLength], 1 for real tokens; none: all are. */
  readonly sourceMask: Tensor | undefined;
  /** u32 [batch · targetLength]: the token that begins a target, then the target without its last token. */
  readonly targetTokens: Tensor;
}

/** What the way back needs of the way forward. */
export interface PairState {
  /** The encoder's final streams. */
  readonly encoded: Streams;
  readonly encoder: readonly (StoredLayer | undefined)[];
  readonly decoder: readonly (StoredLayer | undefined)[];
}

/** The configuration of the decoder's layers, which look at no later chunk; any other model's own. */
export function decoderConfig(config: ReformerConfig): ReformerConfig {
  if (config.head !== "sequence-to-sequence") return config;
  return { ...config, lshChunksAfter: 0, localChunksAfter: 0 };
}

/** What the encoder's layers are recorded with: `context` but for the length, the mask and the direction. */
export function encoderContext(
  context: LayerContext,
  length: number,
  keyMask: Tensor | undefined,
): LayerContext {
  const padding = Math.max(0, length - longestLength(context.config));
  return { ...context, config: { ...context.config, causal: false }, length, padding, keyMask };
}

/** The encoder over a batch of sources: its final streams, in transient memory. */
export function encode(
  context: LayerContext,
  tokens: Tensor,
  store = false,
): { readonly streams: Streams; readonly stored: (StoredLayer | undefined)[] } {
  const { recording, config, batch, length } = context;
  const { hiddenSize: E, encoderLayers, layers } = config;
  const stream = (label: string) => oneSlab(recording.tensor(label, [batch * length, E], "i32"), E);
  return recording.scope("encoder", () => {
    const streams = { x1: stream("x1"), x2: stream("x2") };
    embed(context, tokens, streams.x1);
    copyInto(context, streams.x1, streams.x2);
    const stored = stackForward(context, encoderLayers, streams, { first: layers.length, store });
    return { streams, stored };
  });
}

/** The final streams of the decoder; `context` has the length and the mask of source and target joined. */
export function pairForward(
  context: LayerContext,
  pair: PairTensors,
  streams: Streams,
  store = false,
): PairState {
  const { recording, batch, config } = context;
  const { hiddenSize: E } = config;
  const encoder = encoderContext(context, pair.sourceLength, pair.sourceMask);
  const { streams: encoded, stored } = encode(encoder, pair.sourceTokens, store);
  const source = encodedStates(encoder, encoded);
  const targets = recording.tensor("targets", [batch * pair.targetLength, E], "i32");
  embed({ ...context, length: pair.targetLength }, pair.targetTokens, oneSlab(targets, E), "target");
  join(context, pair, { source, targets }, streams.x1);
  copyInto(context, streams.x1, streams.x2);
  const decoder = { ...context, config: decoderConfig(config) };
  return { encoded, encoder: stored, decoder: stackForward(decoder, config.layers, streams, { store }) };
}

/** From the gradients of the decoder's final streams to those of every parameter below the head. */
export function pairBackward(
  context: LayerContext,
  pair: PairTensors,
  streams: Streams,
  gradients: Streams,
  state: PairState,
): void {
  const { recording, config } = context;
  const { hiddenSize: E, layers, encoderLayers } = config;
  const decoder = { ...context, config: decoderConfig(config) };
  stackBackward(decoder, layers, streams, gradients, state.decoder);
  const { source, targets } = split(context, pair, gradients);
  const target = { ...context, length: pair.targetLength };
  embeddingGradients(target, pair.targetTokens, oneSlab(targets, E), "target");
  const encoder = encoderContext(context, pair.sourceLength, pair.sourceMask);
  recording.scope("encoder", () => {
    const dEncoded = encodedStatesBackward(encoder, state.encoded, source);
    stackBackward(encoder, encoderLayers, state.encoded, dEncoded, state.encoder, layers.length);
    embedBackward(encoder, pair.sourceTokens, dEncoded);
  });
}
