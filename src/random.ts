// Counter-based randomness: every number is a function of (key, counter), so it can be replayed instead of stored.
// shaders/shared use the same generator and the same formulas; f32 there, f64 here.
//
// Source: Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3"; Threefry-2x32, 20 rounds.

/** Two 32-bit words. */
export type Words = readonly [number, number];

const ROTATIONS = [13, 15, 26, 6, 17, 29, 16, 24] as const;
const PARITY = 0x1bd11bda; // the key schedule's constant for 32-bit words

/** Threefry2x32-20: 64 pseudo-random bits for a key and a counter, each of two unsigned 32-bit words. */
export function threefry2x32(key: Words, counter: Words): Words {
  const schedule = [key[0], key[1], key[0] ^ key[1] ^ PARITY] as const;
  let x0 = (counter[0] + schedule[0]) | 0;
  let x1 = (counter[1] + schedule[1]) | 0;
  for (let round = 0; round < 20; round++) {
    const turn = ROTATIONS[round % 8] as number;
    x0 = (x0 + x1) | 0;
    x1 = ((x1 << turn) | (x1 >>> (32 - turn))) ^ x0;
    if (round % 4 === 3) {
      const injection = (round + 1) / 4;
      x0 = (x0 + (schedule[injection % 3] as number)) | 0;
      x1 = (x1 + (schedule[(injection + 1) % 3] as number) + injection) | 0;
    }
  }
  return [x0 >>> 0, x1 >>> 0];
}

/** The key of a seed (any whole number up to 2^53) and a path below it, such as (step, layer, site). */
export function randomKey(seed: number, ...path: readonly number[]): Words {
  let key: Words = [seed >>> 0, Math.floor(seed / 2 ** 32) >>> 0];
  for (const part of path) key = threefry2x32(key, [part >>> 0, Math.floor(part / 2 ** 32) >>> 0]);
  return key;
}

/** [0, 1) in steps of 2^-24: exact in f32. */
export function uniformOf(word: number): number {
  return (word >>> 8) * 2 ** -24;
}

/** One standard normal from two words: √(−2 ln u1)·cos(2π u2), u1 in (0, 1], u2 in [0, 1). At most 5.77 in size. */
export function normalOf(words: Words): number {
  const u1 = ((words[0] >>> 8) + 1) * 2 ** -24;
  return Math.sqrt(-2 * Math.log(u1)) * Math.cos(2 * Math.PI * uniformOf(words[1]));
}

/** A stream of numbers for the host: shuffles, batch positions. Replays from (key, counter). */
export class Random {
  /** Draws made so far; set it to go back or on. */
  counter = 0;
  private readonly key: Words;

  constructor(seed: number, ...path: readonly number[]) {
    this.key = randomKey(seed, ...path);
  }

  private next(): Words {
    const words = threefry2x32(this.key, [this.counter >>> 0, Math.floor(this.counter / 2 ** 32)]);
    this.counter++;
    return words;
  }

  /** A number in [0, 1). */
  uniform(): number {
    return uniformOf(this.next()[0]);
  }

  /** A standard normal number. */
  normal(): number {
    return normalOf(this.next());
  }

  /** A whole number in [0, limit), limit ≤ 2^32; the bias is below limit·2^-53. */
  below(limit: number): number {
    const [high, low] = this.next();
    return Math.floor((high * 2 ** 21 + (low >>> 11)) * 2 ** -53 * limit);
  }

  /** Reorders in place (Fisher-Yates). */
  shuffle<T>(items: { length: number; [index: number]: T }): void {
    for (let i = items.length - 1; i > 0; i--) {
      const j = this.below(i + 1);
      const held = items[i] as T;
      items[i] = items[j] as T;
      items[j] = held;
    }
  }
}
