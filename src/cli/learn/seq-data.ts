// Pairs of sequences that are made up as they are needed, as batches.
import { Random } from "../../random.js";
import type { Batch, BatchSource } from "../../text/dataset.js";

/** Token ids of a source and its target, without their ends. */
export interface TokenPair {
  readonly source: readonly number[];
  readonly target: readonly number[];
}

/** Random stream of the pairs. */
const PAIR_STREAM = 14;

/**
 * A source as a model reads it: its end, and blanks before it so that all of `length` tokens are. Positions then say how far
 * a token is from the end, whatever the length of the source.
 */
export function framed(source: readonly number[], length: number, end: number): number[] {
  const blanks = Array.from({ length: length - source.length - 1 }, () => end);
  return [...blanks, ...source, end];
}

/** Batches of pairs that `draw` makes up, sources framed; every target ends with `end`. */
export function pairSource(draw: (random: Random) => TokenPair, end: number): BatchSource {
  return {
    batch(step, { batchSize, length }, seed): Batch {
      const random = new Random(seed, PAIR_STREAM, step);
      const pairs = Array.from({ length: batchSize }, () => draw(random));
      const targetLengths = pairs.map(({ target }) => target.length + 1);
      const longest = Math.max(...targetLengths);
      const inputs = new Uint32Array(batchSize * length);
      const targets = new Int32Array(batchSize * longest).fill(-100);
      pairs.forEach(({ source, target }, row) => {
        inputs.set(framed(source, length, end), row * length);
        targets.set([...target, end], row * longest);
      });
      return {
        inputs,
        targets,
        lengths: pairs.map(() => length),
        targetLengths,
        counted: targetLengths.reduce((a, b) => a + b, 0),
        batchSize,
        length,
      };
    },
  };
}

/** Pairs of a seed that training does not use. */
export function drawPairs(draw: (random: Random) => TokenPair, count: number, seed: number): TokenPair[] {
  const random = new Random(seed, PAIR_STREAM);
  return Array.from({ length: count }, () => draw(random));
}
