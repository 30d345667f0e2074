/** Measures of written text, and of the text a model is tested on, that need no GPU. */
import type { Bench } from "../bench.js";

export interface QualityParams {
  readonly train: string;
  readonly heldOut: string;
  /** What a model wrote; empty: only the baselines. */
  readonly written: string;
}

export type QualityTold =
  | {
      readonly kind: "baseline";
      readonly name: "order1" | "order2" | "order3" | "gzip";
      readonly bits: number;
    }
  | ({ readonly kind: "written" } & WrittenQuality);

export interface WrittenQuality {
  /** Different words over words, and pairs of words over pairs. */
  readonly distinct1: number;
  readonly distinct2: number;
  /** Share of runs of four words that have occurred before in the same text. */
  readonly repetition4: number;
  /** Share of runs of 16 characters that stand in the training text. */
  readonly copied: number;
  /** Longest run of characters that stands in the training text. */
  readonly longest: number;
}

/** Added to every count, so that nothing is impossible. */
const ADD = 0.02;
/** Characters of a run that counts as copied. */
const RUN = 16;

export async function* quality(
  _bench: Bench,
  { train, heldOut, written }: QualityParams,
  signal: AbortSignal,
): AsyncGenerator<QualityTold> {
  if (written !== "") yield { kind: "written", ...qualityOf(written, train) };
  else {
    for (const order of [1, 2, 3] as const) {
      signal.throwIfAborted();
      yield { kind: "baseline", name: `order${order}`, bits: countBits(train, heldOut, order) };
    }
    yield { kind: "baseline", name: "gzip", bits: await gzipBits(heldOut) };
  }
}

/** Bits per character of a model that counts what follows every `order` characters. */
export function countBits(train: string, heldOut: string, order: number): number {
  const counts = new Map<string, number>();
  const contexts = new Map<string, number>();
  const symbols = new Set(train).size + 1;
  for (let i = order; i < train.length; i++) {
    const context = train.slice(i - order, i);
    const gram = train.slice(i - order, i + 1);
    contexts.set(context, (contexts.get(context) ?? 0) + 1);
    counts.set(gram, (counts.get(gram) ?? 0) + 1);
  }
  const all = train.slice(-order) + heldOut;
  let bits = 0;
  for (let i = order; i < all.length; i++) {
    const seen = counts.get(all.slice(i - order, i + 1)) ?? 0;
    bits -= Math.log2((seen + ADD) / ((contexts.get(all.slice(i - order, i)) ?? 0) + ADD * symbols));
  }
  return bits / (all.length - order);
}

async function gzipBits(text: string): Promise<number> {
  const packed = new Blob([text]).stream().pipeThrough(new CompressionStream("gzip"));
  return (8 * (await new Response(packed).arrayBuffer()).byteLength) / text.length;
}

const grams = (words: readonly string[], n: number): string[] =>
  Array.from({ length: Math.max(0, words.length - n + 1) }, (_, i) => words.slice(i, i + n).join(" "));
const distinct = (items: readonly string[]) => (items.length === 0 ? 0 : new Set(items).size / items.length);

export function qualityOf(written: string, train: string): WrittenQuality {
  const words = written.toLowerCase().match(/[\p{L}\p{N}'’]+/gu) ?? [];
  const runs = Array.from({ length: Math.max(0, written.length - RUN + 1) }, (_, i) =>
    written.slice(i, i + RUN),
  );
  let longest = 0;
  for (let i = 0; i < written.length; i++) {
    while (i + longest < written.length && train.includes(written.slice(i, i + longest + 1))) longest++;
  }
  return {
    distinct1: distinct(words),
    distinct2: distinct(grams(words, 2)),
    repetition4: words.length < 4 ? 0 : 1 - distinct(grams(words, 4)),
    copied: runs.length === 0 ? 0 : runs.filter((run) => train.includes(run)).length / runs.length,
    longest,
  };
}
