// 16-bit floats as 16 bits. Narrowing rounds to nearest, ties to even, as the GPU's pack2x16float may and f16 stores do.

const word = new Uint32Array(1);
const float = new Float32Array(word.buffer);

function bitsOf(value: number): number {
  float[0] = value;
  return word[0] as number;
}

function floatOf(bits: number): number {
  word[0] = bits;
  return float[0] as number;
}

/** The value of a half (1 sign, 5 exponent, 10 fraction bits). */
export function halfToFloat(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >> 10) & 31;
  const fraction = half & 0x3ff;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** The half nearest to an f32 value; beyond 65,520 infinity. */
export function floatToHalf(value: number): number {
  const bits = bitsOf(value);
  const sign = (bits >>> 16) & 0x8000;
  const size = bits & 0x7fffffff;
  if (size > 0x7f800000) return sign | 0x7e00; // NaN
  if (size >= 0x477ff000) return sign | 0x7c00; // 65,520: halfway from the largest half to the next power of two
  if (size >= 0x38800000) {
    // 2^-14 and up: move the exponent's origin from 127 to 15, then round off 13 fraction bits
    const even = (size >>> 13) & 1;
    return sign | ((size - (112 << 23) + 0xfff + even) >>> 13);
  }
  return sign | roundToEven(floatOf(size) * 2 ** 24);
}

/** The value of a bfloat16: the upper half of an f32. */
export function bfloatToFloat(bfloat: number): number {
  return floatOf((bfloat << 16) >>> 0);
}

/** The bfloat16 nearest to an f32 value. */
export function floatToBfloat(value: number): number {
  const bits = bitsOf(value);
  if ((bits & 0x7fffffff) > 0x7f800000) return (bits >>> 16) | 0x40; // NaN, kept quiet
  return ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16) & 0xffff;
}

function roundToEven(value: number): number {
  const below = Math.floor(value);
  const rest = value - below;
  return below + (rest > 0.5 || (rest === 0.5 && below % 2 === 1) ? 1 : 0);
}
