// Lengths of sequences: how many tokens a model takes, and what they are padded to.

import { ShapeError } from "../errors.js";
import { elements, roundUp } from "../shapes.js";
import { type LayerKind, MAX_TOKENS, type ReformerConfig } from "./fields.js";

/** Longest sequence the configuration takes: maxLength, or the size of its position table. */
export function longestLength(config: ReformerConfig): number {
  const { positions, maxLength } = config;
  const rows = positions.type === "axial" ? elements(positions.shape) : positions.maxLength;
  return Math.min(rows, maxLength);
}

/** Whether a layer of this kind attends from every token to every token at this (padded) length. */
export function runsFullAttention(config: ReformerConfig, kind: LayerKind, length: number): boolean {
  if (kind === "full" || length < config.fullAttentionBelow) return true;
  return length <= (kind === "lsh" ? config.lshChunkLength : config.localChunkLength);
}

/**
 * Tokens after padding on the right: the next multiple of all chunk lengths in use. A sequence no longer than the
 * shortest chunk, or one that runs full attention anyway, is not padded.
 * @throws ShapeError where the length is not a whole number ≥ 1 or its padded form exceeds `longestLength`
 */
export function paddedLength(config: ReformerConfig, length: number): number {
  const longest = longestLength(config);
  if (!Number.isInteger(length) || length < 1 || length > longest) {
    throw new ShapeError(
      `length is ${length}, but this model takes 1 to ${longest} tokens: shorten the text.`,
      { length, longest },
    );
  }
  const padded = wholeChunks(config, config.layers, length);
  if (padded > longest) {
    throw new ShapeError(
      `length ${length} pads to ${padded} (chunk lengths ${chunkLengths(config, config.layers).join(" and ")}), beyond the ${longest} positions of this model: shorten the text.`,
      { length, padded, longest },
    );
  }
  return padded;
}

/** The different chunk lengths of some layers. */
function chunkLengths(config: ReformerConfig, layers: readonly LayerKind[]): number[] {
  const used = new Set(layers.filter((kind) => kind !== "full"));
  return [...used].map((kind) => (kind === "lsh" ? config.lshChunkLength : config.localChunkLength));
}

/** Multiples of it are never padded: the least common multiple of the chunk lengths in use. */
export function lengthStep(config: ReformerConfig): number {
  return chunkLengths(config, [...config.layers, ...config.encoderLayers]).reduce(leastCommonMultiple, 1);
}

/** As `paddedLength`, of any length and for some layers. */
export function wholeChunks(config: ReformerConfig, layers: readonly LayerKind[], length: number): number {
  const chunks = chunkLengths(config, layers);
  if (length < config.fullAttentionBelow || length <= Math.min(...chunks)) return length;
  return roundUp(length, chunks.reduce(leastCommonMultiple, 1));
}

/**
 * Tokens of a source with its padding. Windows of chunks wrap around, from the first chunk to the last ones and back: as
 * much padding as a window reaches stands there, so that the states of a source do not depend on how far it is padded.
 * Positions beyond the model's are padding's alone.
 */
export function encoderLength(config: ReformerConfig, length: number): number {
  const { encoderLayers } = config;
  const whole = wholeChunks(config, encoderLayers, length);
  const reaches = encoderLayers.map((kind) => {
    if (runsFullAttention(config, kind, whole)) return 0;
    return kind === "lsh"
      ? config.lshChunkLength * Math.max(config.lshChunksBefore, config.lshChunksAfter)
      : config.localChunkLength * Math.max(config.localChunksBefore, config.localChunksAfter);
  });
  return wholeChunks(config, encoderLayers, length + Math.max(0, ...reaches));
}

/** Tokens of a source, a target, and both joined. */
export interface PairLengths {
  readonly source: number;
  readonly target: number;
  readonly joined: number;
}

/**
 * Lengths in a sequence-to-sequence model after padding: of sources and of source and target joined. Positions of source
 * and target count apart.
 * @throws ShapeError where source or target has no tokens, or more than the model's positions
 */
export function pairLengths(config: ReformerConfig, source: number, target: number): PairLengths {
  const longest = longestLength(config);
  for (const [name, length] of [
    ["source", source],
    ["target", target],
  ] as const) {
    if (Number.isInteger(length) && length >= 1 && length <= longest) continue;
    throw new ShapeError(
      `the ${name} has ${length} tokens, but this model takes 1 to ${longest} (their ends count): shorten it, or make a model of a larger maxLength.`,
      { name, length, longest },
    );
  }
  const joined = wholeChunks(config, config.layers, source + target);
  if (joined > MAX_TOKENS) {
    throw new ShapeError(
      `source and target have ${joined} tokens together, but a decoder reads at most ${MAX_TOKENS}: shorten them.`,
      { joined, longest: MAX_TOKENS },
    );
  }
  return { source: encoderLength(config, source), target, joined };
}

/** The length itself where it is not padded or has no room to be, else its padded form. */
export function roundUpToChunks(config: ReformerConfig, length: number): number {
  try {
    return paddedLength(config, length);
  } catch {
    return length;
  }
}

function leastCommonMultiple(a: number, b: number): number {
  let [x, y] = [a, b];
  while (y > 0) [x, y] = [y, x % y];
  return (a / x) * b;
}
