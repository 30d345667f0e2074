// lsh-hash: give every vector one bucket per hashing round.
//
//   bucket[b,h,r,t] = Σ_f index_f · (product of the factors before f)
//   index_f         = argmax([ q·Rot_f ; −q·Rot_f ]),  q = qk[b,h,t,:]
//   Rot_f are the next factor_f / 2 columns of round r; one factor N gives the plain hash into N buckets.
//   With PROBES 2, rounds 2k and 2k + 1 share rotation k. The second one takes the runner-up of [ q·Rot_f ; −q·Rot_f ]
//   in the factor whose winner leads by the least, and the winners in all others.
//
//   qk         [B,H,L,D]   f32  shared query/key vectors; only their direction matters. Halves with
//                               shared/heads-half.wgsl, else heads-f32.wgsl
//   rotations  [H,D,T,S]   f32  Gaussian; T = ⌈R / PROBES⌉, S = half the sum of the factors
//   keyMask    [B,L]       u32  1 = real token; absent unless MASKED
//   buckets    [B,H,R,L]   u32  out, below N = product of the factors; masked tokens get N
//   scale      [B,H,L]     f32  out, of the first rotation: what key-scale.wgsl says of shared keys
//
//   Grid    (⌈L/64⌉, T, B·H), one invocation per token
//   Cost    B·H·L·T·D·S multiply-adds; qk is staged again for every 16 columns
//   Needs   shared/lsh-hash.wgsl
//   Numerics  f32 sums over D in ascending order; the lowest index wins ties, so a zero vector hashes to 0, then 1
//   Source  Kitaev et al. 2020 section 2; Andoni et al. 2015, probes too. Oracle: test/oracle/lsh-hash.ts
override HEAD_SIZE: u32;
override PROBES: u32;  // 1 or 2 rounds of every rotation

@group(0) @binding(2) var<storage, read> rotations: array<f32>;

const TOKENS = 64u;           // of a workgroup, one for each invocation
const DEPTH = 32u;            // components staged at a time
const WIDTH = 16u;            // columns accumulated at a time
const STRIDE = TOKENS + 1u;   // odd, so that columns of the tile fall into different banks
var<workgroup> q_tile: array<f32, DEPTH * STRIDE>;               // [DEPTH][STRIDE]
var<workgroup> rotation_tile: array<vec4f, DEPTH * WIDTH / 4u>;  // [DEPTH][WIDTH / 4]

// Largest and smallest projection so far, each with its first column, and with two probes the next ones.
struct Extremes {
  high: f32, high_at: u32,
  low: f32, low_at: u32,
  next_high: f32, next_high_at: u32,
  next_low: f32, next_low_at: u32,
}

// Winner and runner-up among the buckets of a factor, and by how much the one leads the other.
struct Choice { best: u32, second: u32, lead: f32 }

struct Place { lane: u32, first_token: u32, rotation: u32, row: u32 }

const LARGE = 0x1p127; // beyond any projection

fn rotation_count() -> u32 { return (ROUNDS + PROBES - 1u) / PROBES; }

fn at_rotation(head: u32, component: u32, rotation: u32, column: u32) -> u32 {
  return ((head * HEAD_SIZE + component) * rotation_count() + rotation) * COLUMNS + column;
}

fn stage_q(place: Place, depth: u32) {
  for (var i = place.lane; i < TOKENS * DEPTH; i += TOKENS) {
    let token = place.first_token + i / DEPTH;
    let c = depth + i % DEPTH;
    var value = 0.0;
    if (token < params.length && c < HEAD_SIZE) {
      value = component((place.row * params.length + token) * HEAD_SIZE + c);
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
        values[j] = rotations[at_rotation(place.row % HEADS, component, place.rotation, start + j)];
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
    if (value > result.high) {
      result.next_high = result.high;
      result.next_high_at = result.high_at;
      result.high = value;
      result.high_at = column + j;
    } else if (value > result.next_high) {
      result.next_high = value;
      result.next_high_at = column + j;
    }
    if (value < result.low) {
      result.next_low = result.low;
      result.next_low_at = result.low_at;
      result.low = value;
      result.low_at = column + j;
    } else if (value < result.next_low) {
      result.next_low = value;
      result.next_low_at = column + j;
    }
  }
  return result;
}

// The two largest of [ y ; −y ], whose first half has the columns [start, end). Of equals the first half's comes first.
fn choose(extremes: Extremes, start: u32, end: u32) -> Choice {
  let half = end - start;
  let high = extremes.high_at - start;
  let low = half + extremes.low_at - start;
  if (extremes.high >= -extremes.low) {
    if (extremes.next_high >= -extremes.low) {
      return Choice(high, extremes.next_high_at - start, extremes.high - extremes.next_high);
    }
    return Choice(high, low, extremes.high + extremes.low);
  }
  if (extremes.high >= -extremes.next_low) { return Choice(low, high, -extremes.low - extremes.high); }
  return Choice(low, half + extremes.next_low_at - start, extremes.next_low - extremes.low);
}

// This invocation's token among the buckets of one factor, whose columns are [start, end).
fn hash(place: Place, start: u32, end: u32) -> Choice {
  var extremes = Extremes(-LARGE, start, LARGE, start, -LARGE, start, LARGE, start);
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
  return choose(extremes, start, end);
}

@compute @workgroup_size(TOKENS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let place = Place(lane, group.x * TOKENS, group.y, group.z);
  var bucket = 0u;
  var product = 1u;
  var column = 0u;
  var least_lead = LARGE;
  var to_second = 0u; // what turns the bucket into that of the second probe, modulo 2^32
  for (var f = 0u; f < 8u; f++) {
    if (factor_of(f) > 1u) {
      let choice = hash(place, column, column + factor_of(f) / 2u);
      if (choice.lead < least_lead) {
        least_lead = choice.lead;
        to_second = product * (choice.second - choice.best);
      }
      bucket += product * choice.best;
      product *= factor_of(f);
      column += factor_of(f) / 2u;
    }
  }
  let token = place.first_token + lane;
  if (token >= params.length) { return; }
  if (place.rotation == 0u) { put_scale(place.row, token); }
  if (is_hidden(place.row, token)) {
    bucket = product;
    to_second = 0u;
  }
  let round = place.rotation * PROBES;
  buckets[at_bucket(place.row, round, token)] = bucket;
  if (PROBES == 2u && round + 1u < ROUNDS) {
    buckets[at_bucket(place.row, round + 1u, token)] = bucket + to_second;
  }
}
