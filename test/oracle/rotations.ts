type Words = readonly [number, number];

const KEY_PARITY = 0x1bd11bda;
const TURNS = [13, 15, 26, 6, 17, 29, 16, 24];

/** Threefry2x32-20 as in Salmon et al. 2011: 20 rounds, a key injection after every fourth. */
export function threefry2x32(key: Words, counter: Words): Words {
  const keys = [key[0], key[1], key[0] ^ key[1] ^ KEY_PARITY];
  let a = (counter[0] + keys[0]!) >>> 0;
  let b = (counter[1] + keys[1]!) >>> 0;
  for (let round = 0; round < 20; round++) {
    a = (a + b) >>> 0;
    b = ((b << TURNS[round % 8]!) | (b >>> (32 - TURNS[round % 8]!))) >>> 0;
    b = (a ^ b) >>> 0;
    if (round % 4 === 3) {
      const injection = (round + 1) / 4;
      a = (a + keys[injection % 3]!) >>> 0;
      b = (b + keys[(injection + 1) % 3]! + injection) >>> 0;
    }
  }
  return [a, b];
}

/** One element: its value, and the two factors of Box and Muller it is made of. */
export interface Normal {
  readonly value: number;
  /** √(-2 ln u1), u1 in (0, 1]. */
  readonly radius: number;
}

/** The first `count` rotations of a layer for a seed and a draw. */
export function rotations(seed: Words, draw: number, layer: number, count: number): Normal[] {
  const key = threefry2x32(seed, [draw, 2 ** 31 + layer]);
  return Array.from({ length: count }, (_, i) => {
    const [high, low] = threefry2x32(key, [i, 0]);
    const u1 = (Math.floor(high / 256) + 1) / 2 ** 24;
    const u2 = Math.floor(low / 256) / 2 ** 24;
    const radius = Math.sqrt(-2 * Math.log(u1));
    return { value: radius * Math.cos(2 * Math.PI * u2), radius };
  });
}

/** The first `count` words of a layer's sign flips for a seed and a draw. */
export function rotationSigns(seed: Words, draw: number, layer: number, count: number): number[] {
  const key = threefry2x32(seed, [draw, 2 ** 31 + layer]);
  return Array.from({ length: count }, (_, i) => threefry2x32(key, [i, 0])[0]);
}
