// lsh-hash: give every vector one bucket per hashing round.
//
//   bucket[b,h,r,t] = Σ_f index_f · (product of the factors before f)
//   index_f         = argmax([ q·Rot_f ; −q·Rot_f ]),  q = qk[b,h,t,:]
//   Rot_f are the next factor_f / 2 columns of round r; one factor N gives the plain hash into N buckets.
//
//   qk         [B,H,L,D]   f32  shared query/key vectors; only their direction matters
//   rotations  [H,D,R,S]   f32  Gaussian; S = half the sum of the factors
//   keyMask    [B,L]       u32  1 = real token; absent unless MASKED
//   buckets    [B,H,R,L]   u32  out, below N = product of the factors; masked tokens get N
//
//   Grid    (⌈L/64⌉, R, B·H), one invocation per token
//   Cost    B·H·L·R·D·S multiply-adds; qk is staged again for every 16 columns
//   Numerics  f32 sums over D in ascending order; the lowest index wins ties, so a zero vector hashes to 0
//   Source  Kitaev et al. 2020 section 2, Andoni et al. 2015. Oracle: test/oracle/lsh-hash.ts
override HEADS: u32;
override HEAD_SIZE: u32;
override ROUNDS: u32;
override COLUMNS: u32; // S
override MASKED: bool;
// Even factors of N in order; 1 where there is none.
override FACTOR_0: u32;
override FACTOR_1: u32;
override FACTOR_2: u32;
override FACTOR_3: u32;
override FACTOR_4: u32;
override FACTOR_5: u32;
override FACTOR_6: u32;
override FACTOR_7: u32;

struct Params { length: u32 }
@group(0) @binding(0) var<uniform>             params:    Params;
@group(0) @binding(1) var<storage, read>       qk:        array<f32>;
@group(0) @binding(2) var<storage, read>       rotations: array<f32>;
@group(0) @binding(3) var<storage, read>       keyMask:   array<u32>;
@group(0) @binding(4) var<storage, read_write> buckets:   array<u32>;

const TOKENS = 64u;           // of a workgroup, one for each invocation
const DEPTH = 32u;            // components staged at a time
const WIDTH = 16u;            // columns accumulated at a time
const STRIDE = TOKENS + 1u;   // odd, so that columns of the tile fall into different banks
var<workgroup> q_tile: array<f32, DEPTH * STRIDE>;               // [DEPTH][STRIDE]
var<workgroup> rotation_tile: array<vec4f, DEPTH * WIDTH / 4u>;  // [DEPTH][WIDTH / 4]

// Largest and smallest projection so far, each with its first column.
struct Extremes { high: f32, high_at: u32, low: f32, low_at: u32 }

struct Place { lane: u32, first_token: u32, round: u32, row: u32 }

fn at_rotation(head: u32, component: u32, round: u32, column: u32) -> u32 {
  return ((head * HEAD_SIZE + component) * ROUNDS + round) * COLUMNS + column;
}

fn stage_q(place: Place, depth: u32) {
  for (var i = place.lane; i < TOKENS * DEPTH; i += TOKENS) {
    let token = place.first_token + i / DEPTH;
    let component = depth + i % DEPTH;
    var value = 0.0;
    if (token < params.length && component < HEAD_SIZE) {
      value = qk[(place.row * params.length + token) * HEAD_SIZE + component];
    }
    q_tile[(i % DEPTH) * STRIDE + i / DEPTH] = value;
  }
}

fn stage_rotations(place: Place, depth: u32, column: u32, end: u32) {
  for (var i = place.lane; i < DEPTH * WIDTH / 4u; i += TOKENS) {
    let component = depth + i / (WIDTH / 4u);
    let start = column + 4u * (i % (WIDTH / 4u));
    var values = vec4f();
    for (var j = 0u; j < 4u; j++) {
      if (component < HEAD_SIZE && start + j < end) {
        values[j] = rotations[at_rotation(place.row % HEADS, component, place.round, start + j)];
      }
    }
    rotation_tile[i] = values;
  }
}

fn consider(extremes: Extremes, values: vec4f, column: u32, end: u32) -> Extremes {
  var result = extremes;
  for (var j = 0u; j < 4u; j++) {
    if (column + j >= end) { break; }
    let value = values[j];
    if (value > result.high) { result.high = value; result.high_at = column + j; }
    if (value < result.low) { result.low = value; result.low_at = column + j; }
  }
  return result;
}

// Index of this invocation's token among the buckets of one factor, whose columns are [start, end).
fn hash(place: Place, start: u32, end: u32) -> u32 {
  var extremes = Extremes(-0x1p127, start, 0x1p127, start);
  for (var column = start; column < end; column += WIDTH) {
    var y0 = vec4f();
    var y1 = vec4f();
    var y2 = vec4f();
    var y3 = vec4f();
    for (var depth = 0u; depth < HEAD_SIZE; depth += DEPTH) {
      workgroupBarrier(); // the tiles of the round before have been read
      stage_q(place, depth);
      stage_rotations(place, depth, column, end);
      workgroupBarrier();
      let count = min(DEPTH, HEAD_SIZE - depth);
      for (var i = 0u; i < count; i++) {
        let q = q_tile[i * STRIDE + place.lane];
        let at = i * (WIDTH / 4u);
        y0 += q * rotation_tile[at];
        y1 += q * rotation_tile[at + 1u];
        y2 += q * rotation_tile[at + 2u];
        y3 += q * rotation_tile[at + 3u];
      }
    }
    extremes = consider(extremes, y0, column, end);
    extremes = consider(extremes, y1, column + 4u, end);
    extremes = consider(extremes, y2, column + 8u, end);
    extremes = consider(extremes, y3, column + 12u, end);
  }
  if (extremes.high >= -extremes.low) { return extremes.high_at - start; }
  return end - start + extremes.low_at - start;
}

@compute @workgroup_size(TOKENS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let place = Place(lane, group.x * TOKENS, group.y, group.z);
  let factors = array(FACTOR_0, FACTOR_1, FACTOR_2, FACTOR_3, FACTOR_4, FACTOR_5, FACTOR_6, FACTOR_7);
  var bucket = 0u;
  var product = 1u;
  var column = 0u;
  for (var f = 0u; f < 8u; f++) {
    if (factors[f] > 1u) {
      bucket += product * hash(place, column, column + factors[f] / 2u);
      product *= factors[f];
      column += factors[f] / 2u;
    }
  }
  let token = place.first_token + lane;
  if (token >= params.length) { return; }
  if (MASKED) {
    if (keyMask[(place.row / HEADS) * params.length + token] == 0u) { bucket = product; }
  }
  buckets[(place.row * ROUNDS + place.round) * params.length + token] = bucket;
}
