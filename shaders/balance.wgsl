// balance: buckets of equal size, by rank along a random direction. One level for each factor of the bucket count.
//
//   project   id[t]  = cell[t]·2^16 + ⌊(cos(x[t], a) + 1)·(2^16 − 1)/2⌋      x = qk[b,h,t,:], a = directions[h,:,r,level]
//   (then tokens are sorted by id: order[s] is the token of rank s)
//   assign    cell[order[s]] = ⌊s·CELLS·FACTOR / n⌋    for the n real tokens: cells of equal size, one more or less
//   Every level cuts each of the CELLS cells of the one before into FACTOR equal parts.
//
//   qk          [B,H,L,D]  f32  shared query/key vectors; only their direction matters. Halves with
//                               shared/heads-half.wgsl, else heads-f32.wgsl
//   directions  [H,D,R,F]  f32  Gaussian; one for each of the F factors
//   cellsIn     [B,H,R,L]  u32  into project: the cells of the level before; absent in the first
//   keyMask     [B,L]      u32  1 = real token; absent unless MASKED
//   ids         [B,H,R,L]  u32  out of project; masked tokens get CELLS·2^16, after all others
//   order       [B,H,R,L]  u32  into assign: tokens by ascending id, equal ids by position
//   cells       [B,H,R,L]  u32  out of assign, below CELLS·FACTOR; masked tokens get CELLS·FACTOR
//
//   Grid     (⌈L/64⌉, R, B·H), one invocation a token or rank
//   Cost     2·D multiply-adds per token, round and level in project, and D more for the direction
//   Numerics f32 sums over D in order, rounded down to 16 bits; ranks are exact for L, CELLS up to 2^20
//   Source   balanced clusters: Daras et al. 2020 (SMYRF); several levels are ours. Oracle: test/oracle/balance.ts
override HEADS: u32;
override HEAD_SIZE: u32;
override ROUNDS: u32;
override LEVELS: u32; // F
override LEVEL: u32;
override CELLS: u32;  // product of the factors before this level
override FACTOR: u32; // of this level
override MASKED: bool;

struct Params { length: u32 }
@group(0) @binding(0) var<uniform>             params:     Params;
@group(0) @binding(1) var<storage, read>       qk:         array<Word>;
@group(0) @binding(2) var<storage, read>       directions: array<f32>;
@group(0) @binding(3) var<storage, read>       cellsIn:    array<u32>;
@group(0) @binding(4) var<storage, read>       keyMask:    array<u32>;
@group(0) @binding(5) var<storage, read_write> ids:        array<u32>;
@group(0) @binding(1) var<storage, read>       sortedIds:  array<u32>; // ids, in assign
@group(0) @binding(2) var<storage, read>       order:      array<u32>;
@group(0) @binding(3) var<storage, read_write> cells:      array<u32>;

const GROUP = 64u;
const LARGEST = 65535u;  // of a projection
const TINY = 0x1p-100;   // a zero vector's projection is in the middle
const MAX_SIZE = 256u;
var<workgroup> direction: array<f32, MAX_SIZE>;

@compute @workgroup_size(GROUP)
fn project(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let row = group.z;
  let round = group.y;
  for (var i = lane; i < HEAD_SIZE; i += GROUP) {
    direction[i] = directions[((row % HEADS * HEAD_SIZE + i) * ROUNDS + round) * LEVELS + LEVEL];
  }
  workgroupBarrier(); // the direction is there
  let token = group.x * GROUP + lane;
  if (token >= params.length) { return; }
  let at = (row * ROUNDS + round) * params.length + token;
  if (MASKED) {
    if (keyMask[row / HEADS * params.length + token] == 0u) {
      ids[at] = CELLS << 16u;
      return;
    }
  }
  var product = 0.0;
  var squares = 0.0;
  var length_squared = 0.0;
  for (var i = 0u; i < HEAD_SIZE; i++) {
    let at_x = (row * params.length + token) * HEAD_SIZE + i;
    let x = number_of(qk[word_index(at_x)], at_x);
    product += x * direction[i];
    squares += x * x;
    length_squared += direction[i] * direction[i];
  }
  let cosine = product / max(sqrt(squares) * sqrt(length_squared), TINY);
  let projection = min(u32(max(cosine + 1.0, 0.0) * (0.5 * f32(LARGEST))), LARGEST);
  var cell = 0u;
  if (LEVEL > 0u) { cell = cellsIn[at]; }
  ids[at] = (cell << 16u) + projection;
}

// Tokens that are not masked: the ranks before the first id that masked tokens have.
fn real_tokens(segment: u32) -> u32 {
  if (!MASKED) { return params.length; }
  var low = 0u;
  var high = params.length;
  while (low < high) {
    let middle = (low + high) / 2u;
    let id = sortedIds[segment * params.length + order[segment * params.length + middle]];
    if (id >= CELLS << 16u) { high = middle; } else { low = middle + 1u; }
  }
  return low;
}

// ⌊a·b / n⌋ for a < n ≤ 2^20 and b ≤ 2^20: by ten bits of b at a time, so that no product reaches 2^32.
fn share(a: u32, b: u32, n: u32) -> u32 {
  let upper = a * (b >> 10u);
  return ((upper / n) << 10u) + (((upper % n) << 10u) + a * (b & 1023u)) / n;
}

@compute @workgroup_size(GROUP)
fn assign(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let segment = group.z * ROUNDS + group.y;
  let rank = group.x * GROUP + lane;
  if (rank >= params.length) { return; }
  let count = real_tokens(segment);
  var cell = CELLS * FACTOR;
  if (rank < count) { cell = share(rank, cell, count); }
  cells[segment * params.length + order[segment * params.length + rank]] = cell;
}
