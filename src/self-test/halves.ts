// Numbers as halves, for the cases of the self-test: only such as a half holds exactly.

/** The bits of a number with at most 11 binary digits, between 2^-14 and 65,504 in size; or of 0. */
export function halfBits(x: number): number {
  if (x === 0) return 0;
  const exponent = Math.floor(Math.log2(Math.abs(x)));
  return (x < 0 ? 0x8000 : 0) | ((exponent + 15) << 10) | ((Math.abs(x) / 2 ** exponent - 1) * 1024);
}

/** The number that bits stand for. */
export function ofHalfBits(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = (bits & 1023) / 1024;
  if (exponent === 0) return sign * fraction * 2 ** -14;
  if (exponent < 31) return sign * (1 + fraction) * 2 ** (exponent - 15);
  return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
}
