// What both forms of bucket-sort share: how positions are cut into tiles, and where keys and counts stand. Needs of the
// including file `params`, `ids`, `orderIn` and `starts`.
override RADIX: u32; // a power of two up to 256
override LANES: u32; // invocations of the plain form's scatter; each owns KEYS consecutive positions of a tile
override SCANNED = false; // whether scatter is given starts, or the counts themselves
override WHOLE = false;   // whether a segment is one tile, whose counts scatter takes itself

struct Params { segments: u32, length: u32, shift: u32, first: u32 }

const KEYS = 64u; // LANES·KEYS must stay below 2^16: scatter counts in 16 bits

fn tiles() -> u32 { return (params.length + LANES * KEYS - 1u) / (LANES * KEYS); }

// Token that stands at position i of the order so far.
fn token_at(segment: u32, i: u32) -> u32 {
  if (params.first == 1u) { return i; }
  return orderIn[segment * params.length + i];
}

fn digit_of(segment: u32, token: u32) -> u32 {
  return (ids[segment * params.length + token] >> params.shift) % RADIX;
}

fn at_count(segment: u32, digit: u32, tile: u32) -> u32 { return (segment * RADIX + digit) * tiles() + tile; }

// Keys of a digit in the first `end` tiles, if not SCANNED.
fn keys_of(segment: u32, digit: u32, end: u32) -> u32 {
  var sum = 0u;
  for (var tile = 0u; tile < end; tile++) { sum += starts[at_count(segment, digit, tile)]; }
  return sum;
}
