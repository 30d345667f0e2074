// lsh-hash.hadamard: give every vector one bucket per round, by fast rotations instead of Gaussian directions.
//
//   z        = H·D3·H·D2·H·D1·[q, 0 …]     q = qk[b,h,t,:] padded to P; H the Hadamard matrix, D ±1 on the diagonal
//   y[c]     = z of rotation ⌊c / P⌋ at c mod P, for the columns c < S; every rotation has signs of its own
//   bucket   = Σ_f index_f · (product of the factors before f),  index_f = argmax([ y_f ; −y_f ])
//   y_f are the next factor_f / 2 columns.
//
//   qk       [B,H,L,D]          f32  shared query/key vectors; only their direction matters. Halves with
//                                    shared/heads-half.wgsl, else heads-f32.wgsl
//   signs    [H,R,⌈S/P⌉,3,⌈P/32⌉] u32  bit i mod 32 of word ⌊i / 32⌋: component i changes its sign
//   keyMask  [B,L]              u32  1 = real token; absent unless MASKED
//   buckets  [B,H,R,L]          u32  out, below N = product of the factors; masked tokens get N
//   scale    [B,H,L]            f32  out, of the first round: what key-scale.wgsl says of shared keys
//
//   Grid     (⌈L/TILE⌉, R, B·H), 64 invocations transform TILE tokens together, then one scans each token's columns
//   Cost     B·H·L·R·⌈S/P⌉·3·P·log2(P) additions
//   Memory   TILE·(P + 1) + 24 words: TILE·P is at most 2,048
//   Numerics f32 sums in pairs of pairs, not scaled: y grows by P^1.5; the lowest index wins ties
//   Source   Andoni et al. 2015 section 6 (three flips and transforms). Oracle: test/oracle/lsh-hash.ts
override HEAD_SIZE: u32;
override SIZE: u32;    // P, a power of two from 4 to 256
override TILE: u32;    // tokens of a workgroup, at most 64

@group(0) @binding(2) var<storage, read> signs: array<u32>;

const LANES = 64u;
const TURNS = 3u;
const MAX_WORDS = 8u; // of one turn's signs
var<workgroup> z: array<f32, TILE * (SIZE + 1u)>;      // one row a token; odd rows fall into different banks
var<workgroup> flips: array<u32, TURNS * MAX_WORDS>;

fn words() -> u32 { return (SIZE + 31u) / 32u; }

fn at_sign(head: u32, round: u32, rotation: u32) -> u32 {
  let rotations = (COLUMNS + SIZE - 1u) / SIZE;
  return ((head * ROUNDS + round) * rotations + rotation) * TURNS * words();
}

// The value, or its opposite where the turn's sign says so. There is no turn 3.
fn flipped(turn: u32, component: u32, value: f32) -> f32 {
  if (turn == TURNS) { return value; }
  let bit = (flips[turn * words() + component / 32u] >> (component % 32u)) & 1u;
  return select(value, -value, bit == 1u);
}

fn load(lane: u32, row: u32, first_token: u32) {
  for (var i = lane; i < TILE * SIZE; i += LANES) {
    let token = first_token + i / SIZE;
    let c = i % SIZE;
    var value = 0.0;
    if (token < params.length && c < HEAD_SIZE) {
      value = flipped(0u, c, component((row * params.length + token) * HEAD_SIZE + c));
    }
    z[i / SIZE * (SIZE + 1u) + c] = value;
  }
}

// One step of the transform on pairs of neighbours.
fn transform_pairs(lane: u32) {
  for (var i = lane; i < TILE * SIZE / 2u; i += LANES) {
    let at = i / (SIZE / 2u) * (SIZE + 1u) + i % (SIZE / 2u) * 2u;
    let a = z[at];
    let b = z[at + 1u];
    z[at] = a + b;
    z[at + 1u] = a - b;
  }
}

// Two steps at once, on fours of components `stride` apart; the results take the signs of turn `next`.
fn transform_fours(lane: u32, stride: u32, next: u32) {
  for (var i = lane; i < TILE * SIZE / 4u; i += LANES) {
    let row = i / (SIZE / 4u) * (SIZE + 1u);
    let four = i % (SIZE / 4u);
    let c = four / stride * 4u * stride + four % stride;
    let at = row + c;
    let a = z[at] + z[at + stride];
    let b = z[at] - z[at + stride];
    let d = z[at + 2u * stride] + z[at + 3u * stride];
    let e = z[at + 2u * stride] - z[at + 3u * stride];
    z[at] = flipped(next, c, a + d);
    z[at + stride] = flipped(next, c + stride, b + e);
    z[at + 2u * stride] = flipped(next, c + 2u * stride, a - d);
    z[at + 3u * stride] = flipped(next, c + 3u * stride, b - e);
  }
}

// All turns of a rotation on the loaded tile.
fn rotate(lane: u32) {
  let odd = firstTrailingBit(SIZE) % 2u == 1u;
  for (var turn = 0u; turn < TURNS; turn++) {
    if (odd) {
      workgroupBarrier(); // the step before has been written
      transform_pairs(lane);
    }
    for (var stride = select(1u, 2u, odd); stride < SIZE; stride *= 4u) {
      workgroupBarrier(); // the step before has been written
      transform_fours(lane, stride, select(TURNS, turn + 1u, 4u * stride == SIZE));
    }
  }
  workgroupBarrier(); // the last step has been written
}

// A token's way through the columns: the factor it is in, its extremes so far, and what the factors before gave.
struct Scan { factor: u32, start: u32, high: f32, high_at: u32, low: f32, low_at: u32, bucket: u32, product: u32 }

const LARGE = 0x1p127; // beyond any coordinate

fn consider(scan: Scan, value: f32, column: u32) -> Scan {
  var next = scan;
  if (value > next.high) { next.high = value; next.high_at = column; }
  if (value < next.low) { next.low = value; next.low_at = column; }
  let size = factor_of(next.factor);
  if (column + 1u < next.start + size / 2u) { return next; }
  var index = next.high_at - next.start;
  if (next.high < -next.low) { index = size / 2u + next.low_at - next.start; }
  let product = next.product * size;
  return Scan(next.factor + 1u, column + 1u, -LARGE, 0u, LARGE, 0u, next.bucket + next.product * index, product);
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let row = group.z;
  let round = group.y;
  let first_token = group.x * TILE;
  var scan = Scan(0u, 0u, -LARGE, 0u, LARGE, 0u, 0u, 1u);
  for (var column = 0u; column < COLUMNS; column += SIZE) {
    workgroupBarrier(); // the rotation before has been scanned
    if (lane < TURNS * words()) { flips[lane] = signs[at_sign(row % HEADS, round, column / SIZE) + lane]; }
    workgroupBarrier(); // the signs are there
    load(lane, row, first_token);
    rotate(lane);
    if (lane < TILE) {
      for (var c = 0u; c < min(SIZE, COLUMNS - column); c++) {
        scan = consider(scan, z[lane * (SIZE + 1u) + c], column + c);
      }
    }
  }
  let token = first_token + lane;
  if (lane >= TILE || token >= params.length) { return; }
  if (round == 0u) { put_scale(row, token); }
  buckets[at_bucket(row, round, token)] = select(scan.bucket, scan.product, is_hidden(row, token));
}
