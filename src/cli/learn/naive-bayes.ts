// Multinomial naive Bayes with two labels, the baseline of text classification.
import { TextError } from "../../errors.js";

/** Runs of at least two letters, in lower case. */
export function words(text: string): string[] {
  return text.toLowerCase().match(/\p{L}{2,}/gu) ?? [];
}

export interface NaiveBayes {
  /** P(positive | text); exactly 0 or 1 where f64 holds no more. */
  probability(text: string): number;
}

/**
 * log P(c | text) = log n(c)/n + Σ_w log (n(w, c) + 1) / (n(c, words) + V) + constant
 *
 * over the words w of the text that training has seen; V is the number of different ones.
 * @throws {TextError} where one of the labels has no example
 */
export function fitNaiveBayes(texts: readonly string[], positive: readonly boolean[]): NaiveBayes {
  const counts = new Map<string, [negative: number, positive: number]>();
  const totals: [number, number] = [0, 0];
  const examples: [number, number] = [0, 0];
  for (const [i, text] of texts.entries()) {
    const side = positive[i] ? 1 : 0;
    examples[side]++;
    for (const word of words(text)) {
      const count = counts.get(word) ?? [0, 0];
      count[side]++;
      totals[side]++;
      counts.set(word, count);
    }
  }
  if (examples[0] === 0 || examples[1] === 0) {
    throw new TextError(
      `${examples[1]} positive and ${examples[0]} negative texts: naive Bayes needs one of each.`,
    );
  }
  const prior = Math.log(examples[1] / examples[0]);
  const normalizer = Math.log((totals[0] + counts.size) / (totals[1] + counts.size));
  return {
    probability(text) {
      let odds = prior;
      for (const word of words(text)) {
        const count = counts.get(word);
        if (count) odds += Math.log((count[1] + 1) / (count[0] + 1)) + normalizer;
      }
      return 1 / (1 + Math.exp(-odds));
    },
  };
}
