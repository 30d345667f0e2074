/** Words as vectors, on the CPU and without a model: words with letters in common point in similar directions. */

/** Directions that letter groups are spread over. */
export const WORD_DIMENSIONS = 32;

/** A small generator, the same everywhere (mulberry32). */
export function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A standard normal number (Box and Muller). */
export const normal = (next: () => number): number =>
  Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());

function seedOf(text: string): number {
  let hash = 2166136261; // FNV-1a
  for (const character of text) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 16777619);
  return hash >>> 0;
}

/** Unit vector of a word: the sum of a fixed random direction for each group of one to three of its letters. */
export function wordVector(word: string, dimensions = WORD_DIMENSIONS): Float32Array {
  const vector = new Float32Array(dimensions);
  const letters = [..."^", ...word.toLowerCase(), ..."$"];
  for (let size = 1; size <= 3; size++) {
    for (let at = 0; at + size <= letters.length; at++) {
      const next = randomNumbers(seedOf(letters.slice(at, at + size).join("")));
      for (let i = 0; i < dimensions; i++) vector[i] = (vector[i] ?? 0) + size * normal(next);
    }
  }
  const length = Math.hypot(...vector) || 1;
  return vector.map((x) => x / length);
}

/** The text's words in order, of any script: Chinese characters count as words. */
export const wordsOf = (text: string, most: number): string[] =>
  (text.match(/\p{Script=Han}|[\p{L}\p{M}\p{N}'’-]+/gu) ?? []).slice(0, most);

/** Inner product. */
export function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] ?? 0) * (b[i] ?? 0);
  return sum;
}
