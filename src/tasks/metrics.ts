// How good predictions are: of labels (numbers from 0, or names), of scores, and of answers as text. Lists are [examples], one
// entry an example; every result is a share from 0 to 1.
import { ShapeError } from "../errors.js";

/** What an example is labelled. */
type Label = number | string | boolean;

function checkLengths(given: number, wanted: number): void {
  if (given === wanted && given > 0) return;
  throw new ShapeError(
    `${given} predictions and ${wanted} truths: give one truth for each, and at least one.`,
    {
      given,
      wanted,
    },
  );
}

const mean = (values: readonly number[]) => values.reduce((sum, x) => sum + x, 0) / values.length;

/**
 * Share of predictions that are right.
 * @param predicted [examples], the label of each
 * @param truth [examples]
 * @throws {ShapeError} where the lists are empty or not of one length
 */
export function accuracy<L extends Label>(predicted: readonly L[], truth: readonly L[]): number {
  checkLengths(predicted.length, truth.length);
  return mean(predicted.map((label, i) => Number(label === truth[i])));
}

/**
 * F1 of each label, 2·TP / (2·TP + FP + FN), averaged over the labels that occur in truth or predictions.
 * @param predicted [examples], the label of each
 * @param truth [examples]
 * @throws {ShapeError} where the lists are empty or not of one length
 */
export function macroF1<L extends Label>(predicted: readonly L[], truth: readonly L[]): number {
  checkLengths(predicted.length, truth.length);
  const labels = [...new Set([...predicted, ...truth])];
  return mean(
    labels.map((label) => {
      const both = predicted.filter((p, i) => p === label && truth[i] === label).length;
      const either = [...predicted, ...truth].filter((one) => one === label).length;
      return (2 * both) / either;
    }),
  );
}

/**
 * Area under the ROC curve: how often a positive scores above a negative, ties as half (Mann-Whitney).
 * @param scores [examples], in any unit: only their order counts
 * @param positive [examples], whether each is of the class that high scores speak for
 * @throws {ShapeError} where one of the two classes is missing, a score is NaN, or the lists are not of one length
 */
export function areaUnderRoc(scores: readonly number[], positive: readonly boolean[]): number {
  checkLengths(scores.length, positive.length);
  const unordered = scores.findIndex(Number.isNaN);
  if (unordered >= 0) {
    throw new ShapeError(`score ${unordered} is NaN, but scores must have an order: leave it out.`, {
      place: unordered,
    });
  }
  const order = scores.map((score, i) => ({ score, positive: positive[i] === true }));
  order.sort((a, b) => a.score - b.score);
  const positives = order.filter((one) => one.positive).length;
  const negatives = order.length - positives;
  if (positives === 0 || negatives === 0) {
    throw new ShapeError(
      `${positives} positives and ${negatives} negatives: the area under the curve needs one of each.`,
      { positives, negatives },
    );
  }
  let rankSum = 0;
  for (let start = 0; start < order.length; ) {
    let end = start;
    while (end < order.length && order[end]?.score === order[start]?.score) end++;
    const rank = (start + 1 + end) / 2; // ties share the mean of their ranks, from 1
    for (let i = start; i < end; i++) if (order[i]?.positive) rankSum += rank;
    start = end;
  }
  return (rankSum - (positives * (positives + 1)) / 2) / (positives * negatives);
}

/** Lower case, without punctuation, English articles and repeated white space, as SQuAD compares answers. */
export function normalizedAnswer(text: string): string {
  const plain = text.toLowerCase().replace(/[\p{P}\p{S}]/gu, "");
  return plain
    .split(/\s+/)
    .filter((word) => word.length > 0 && !["a", "an", "the"].includes(word))
    .join(" ");
}

/** 1 where two answers are the same once normalised (lower case, no signs, no English articles), else 0. */
export function exactMatch(predicted: string, truth: string): number {
  return Number(normalizedAnswer(predicted) === normalizedAnswer(truth));
}

/**
 * F1 of the words that two normalised answers share, each as often as in both, 0 to 1; two empty answers agree. Of several
 * examples or several right answers take the mean, or the best, of the calls.
 */
export function tokenF1(predicted: string, truth: string): number {
  const words = (text: string) => normalizedAnswer(text).split(" ").filter(Boolean);
  const [got, wanted] = [words(predicted), words(truth)];
  if (got.length === 0 || wanted.length === 0) return Number(got.length === wanted.length);
  const left = [...wanted];
  const shared = got.filter((word) => {
    const at = left.indexOf(word);
    if (at >= 0) left.splice(at, 1);
    return at >= 0;
  }).length;
  return (2 * shared) / (got.length + wanted.length);
}

/**
 * Expected calibration error: predictions in `bins` equal ranges of confidence, the mean gap between how sure and how
 * often right they are, weighted by their number (Guo et al. 2017).
 * @param confidence [examples], the probability of the predicted label
 * @param right [examples], whether it is the true one
 * @throws {ShapeError} where a confidence is no probability, or the lists are empty or not of one length
 */
export function calibrationError(
  confidence: readonly number[],
  right: readonly boolean[],
  bins = 10,
): number {
  checkLengths(confidence.length, right.length);
  const impossible = confidence.findIndex((sure) => !(sure >= 0 && sure <= 1));
  if (impossible >= 0 || !Number.isInteger(bins) || bins < 1) {
    throw new ShapeError(
      impossible >= 0
        ? `confidence ${impossible} is ${confidence[impossible]}, but must be a probability from 0 to 1.`
        : `bins is ${bins}, but must be a whole number from 1 on.`,
      impossible >= 0 ? { place: impossible } : { bins },
    );
  }
  const gaps = new Float64Array(bins); // Σ confidence − right of each bin
  confidence.forEach((sure, i) => {
    const bin = Math.min(bins - 1, Math.floor(sure * bins));
    gaps[bin] = (gaps[bin] as number) + sure - Number(right[i] === true);
  });
  return gaps.reduce((sum, gap) => sum + Math.abs(gap), 0) / confidence.length;
}
