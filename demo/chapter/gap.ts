/** Questions to a language model: a gap in a text and the words it may be filled with, as people write them and as the page has them. */
import { shippedModel } from "./writer.js";

export interface Gap {
  readonly before: string;
  readonly choices: readonly string[];
  readonly after: string;
}

/** One of the book's unseen end; made by src/cli/learn/gaps.ts. */
export interface KnownGap extends Gap {
  readonly answer: string;
  /** The choice that the book has most often. */
  readonly commonest: string;
}

/** What a model says of a choice. */
export interface Ranked {
  readonly choice: string;
  /** Probability beside the other choices. */
  readonly chance: number;
}

/**
 * "The [captain/whale] dived." as a gap; null where there are no brackets with two choices or more. A sentence ends before
 * it: a text's first token is given, so it must not depend on the choice.
 */
export function parseGap(text: string): Gap | null {
  const [, before = "", inside = "", after = ""] = /^([^[\]]*)\[([^[\]]+)\]([^[\]]*)$/s.exec(text) ?? [];
  const choices = [...new Set(inside.split(/[/／]/).map((choice) => choice.trim()))].filter(Boolean);
  return choices.length < 2 ? null : { before: `. ${before}`, choices, after };
}

/** Choices by the bits of the texts that they make, the likeliest first: 2^−bits, over their sum. */
export function ranked(choices: readonly string[], bits: readonly number[]): Ranked[] {
  const least = Math.min(...bits);
  const weights = bits.map((cost) => 2 ** (least - cost));
  const sum = weights.reduce((a, b) => a + b, 0);
  return weights
    .map((weight, i) => ({ choice: choices[i] as string, chance: weight / sum }))
    .sort((a, b) => b.chance - a.chance);
}

/** The questions that come with the shipped writer; none where the page was built without it. */
export async function knownGaps(signal: AbortSignal): Promise<readonly KnownGap[]> {
  const shipped = await shippedModel("writer");
  if (!shipped) return [];
  return (await (await fetch(`${shipped.url}gaps.json`, { signal })).json()) as KnownGap[];
}
