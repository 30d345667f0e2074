// Two numbers to a u32, as halves, on any device: an activation stored so takes half the memory. Arithmetic is in f32.
const LAST_HALF = 65504.0;
const BEYOND_HALVES = 0x7c007c00u; // two infinities

fn pack_halves(x: vec2f) -> u32 {
  // A number out of range may become anything, a finite half too. It has to be seen, so both become infinite.
  if (any(abs(x) > vec2f(LAST_HALF))) { return BEYOND_HALVES; }
  return pack2x16float(x);
}

// Number `at` of an array of halves, whose word at / 2 is `word`.
fn half_of(word: u32, at: u32) -> f32 {
  return unpack2x16float(word >> (16u * (at % 2u))).x;
}

// The four numbers of two words.
fn four_halves(words: vec2u) -> vec4f {
  return vec4f(unpack2x16float(words.x), unpack2x16float(words.y));
}
