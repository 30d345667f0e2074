import { ConfigError, TextError } from "../errors.js";

/**
 * Bits per character of a plain count model, the baseline a trained model has to beat:
 *
 *   p(c | h) = (n(h, c) + add) / (n(h) + add·V)        h = the `order` characters before c
 *
 * n counts in `train`; V is its number of different characters plus one: all characters that `train` never shows share
 * one extra symbol, both as c and in h. The first held-out characters take their history from the end of `train`.
 * Characters are Unicode code points.
 * @param order 0 = single characters, 1 = pairs, 2 = trigrams
 * @throws TextError where a part is too short; ConfigError where order or add is out of range
 */
export function countModelBitsPerChar(train: string, heldOut: string, order: number, add: number): number {
  if (!Number.isInteger(order) || order < 0 || !(add > 0 && Number.isFinite(add))) {
    throw new ConfigError(
      `order is ${order} and add is ${add}, but needed are a whole number from 0 and a number above 0.`,
    );
  }
  const symbols = new Map<string, number>();
  const seen: number[] = [];
  for (const character of train) {
    const known = symbols.get(character);
    if (known === undefined) symbols.set(character, symbols.size);
    seen.push(known ?? symbols.size - 1);
  }
  if (seen.length <= order || heldOut.length === 0) {
    throw new TextError(
      `The training part has ${seen.length} characters and the held-out part ${heldOut.length}, but a model of order ${order} needs more than ${order} and at least 1: give a longer text.`,
    );
  }
  const unseen = symbols.size;
  const vocabulary = unseen + 1;
  const historySpan = vocabulary ** order; // a history is one number below this
  if (historySpan * vocabulary > Number.MAX_SAFE_INTEGER) {
    throw new ConfigError(
      `order ${order} over ${vocabulary} characters has too many histories to number: use a lower order.`,
    );
  }
  const histories = new Map<number, number>();
  const followed = new Map<number, number>();
  const increase = (counts: Map<number, number>, key: number) => counts.set(key, (counts.get(key) ?? 0) + 1);
  let history = 0;
  for (const [i, symbol] of seen.entries()) {
    if (i >= order) {
      increase(histories, history);
      increase(followed, history * vocabulary + symbol);
    }
    history = (history * vocabulary + symbol) % historySpan;
  }
  let bits = 0;
  let characters = 0;
  for (const character of heldOut) {
    const symbol = symbols.get(character) ?? unseen;
    const times = followed.get(history * vocabulary + symbol) ?? 0;
    bits -= Math.log2((times + add) / ((histories.get(history) ?? 0) + add * vocabulary));
    history = (history * vocabulary + symbol) % historySpan;
    characters++;
  }
  return bits / characters;
}
