// lsh-hash, wide form for many buckets and one probe, as a matrix product: 64 invocations project 64 tokens on 32 columns at a
// time, each 4 tokens on 8 columns in registers, and keep the largest of what they saw; at the end of a factor the 4 that
// share tokens compare.
//
//   Grid       (⌈L/64⌉, T, B·H)
//   Workgroup  64 invocations, 15 KiB; a third of the plain form's reads of workgroup memory for each multiply-add
//   Needs      shared/lsh-hash.wgsl
//   Numerics   f32; sums over D in ascending order and ties as in the plain form
// The specification (equation, shapes, cost, source, oracle) is in lsh-hash.wgsl.
override HEAD_SIZE: u32;

@group(0) @binding(2) var<storage, read> rotations: array<f32>;

const LANES = 64u;
const TOKENS = 64u;
const WIDTH = 32u; // columns projected on at a time
const GROUPS = 4u; // of invocations that share tokens, each with 8 of the columns
const DEPTH = 32u; // components staged at a time
const PITCH_Q = TOKENS / 4u + 1u; // one vec4 of padding spreads a column over the memory banks
const PITCH_R = WIDTH / 4u + 1u;
var<workgroup> q_tile: array<vec4f, DEPTH * PITCH_Q>;        // [component][token / 4]
var<workgroup> rotation_tile: array<vec4f, DEPTH * PITCH_R>; // [component][column / 4]
var<workgroup> rivals: array<vec2u, GROUPS * TOKENS>;        // [group of columns][token]: bits of the projection, its index

// Of 4 tokens: the projection of largest magnitude so far, and its index in [ y ; −y ]. Of equals the lowest index wins.
struct Best { value: vec4f, index: vec4u }

fn better(a: Best, b: Best) -> Best {
  let larger = abs(b.value) > abs(a.value);
  let equal = abs(b.value) == abs(a.value);
  let earlier = b.index < a.index;
  let wins = larger | (equal & earlier);
  return Best(select(a.value, b.value, wins), select(a.index, b.index, wins));
}

// A column of projections of 4 tokens. It counts from the factor's first one, of which there are `half`.
fn consider(best: Best, y: vec4f, column: u32, half: u32) -> Best {
  return better(best, Best(y, column + select(vec4u(half), vec4u(), y >= vec4f())));
}

fn consider4(best: Best, y: mat4x4f, column: u32, half: u32) -> Best {
  var result = consider(best, y[0], column, half);
  result = consider(result, y[1], column + 1u, half);
  result = consider(result, y[2], column + 2u, half);
  return consider(result, y[3], column + 3u, half);
}

// x yᵀ: element [i][j] is x[i]·y[j].
fn outer(x: vec4f, y: vec4f) -> mat4x4f {
  return mat4x4f(x.x * y, x.y * y, x.z * y, x.w * y);
}

fn stage_q(row: u32, first_token: u32, depth: u32, lane: u32) {
  for (var i = lane; i < DEPTH * TOKENS / 4u; i += LANES) {
    let c = depth + i % DEPTH; // neighbours read what is contiguous
    let quad = i / DEPTH;
    var values = vec4f();
    for (var j = 0u; j < 4u; j++) {
      let token = min(first_token + quad * 4u + j, params.length - 1u);
      if (c < HEAD_SIZE) { values[j] = component((row * params.length + token) * HEAD_SIZE + c); }
    }
    q_tile[i % DEPTH * PITCH_Q + quad] = values;
  }
}

// Behind the last column comes the last one again, which does not win against itself.
fn stage_rotations(first: u32, depth: u32, column: u32, half: u32, lane: u32) {
  for (var i = lane; i < DEPTH * WIDTH / 4u; i += LANES) {
    let component = depth + i / (WIDTH / 4u);
    let quad = i % (WIDTH / 4u);
    var values = vec4f();
    for (var j = 0u; j < 4u; j++) {
      let at = first + component * ROUNDS * COLUMNS + min(column + quad * 4u + j, half - 1u);
      if (component < HEAD_SIZE) { values[j] = rotations[at]; }
    }
    rotation_tile[i / (WIDTH / 4u) * PITCH_R + quad] = values;
  }
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let row = group.z;
  let round = group.y;
  let first_token = group.x * TOKENS;
  let head_rotations = row % HEADS * HEAD_SIZE * ROUNDS * COLUMNS + round * COLUMNS;
  let token_quad = lane / GROUPS;
  let column_quad = lane % GROUPS;

  var bucket = 0u; // of the token first_token + lane
  var product = 1u;
  var start = 0u;
  for (var f = 0u; start < COLUMNS; f++) {
    let half = factor_of(f) / 2u;
    var best = Best(vec4f(), vec4u()); // of a zero vector
    for (var column = 0u; column < half; column += WIDTH) {
      var y0 = mat4x4f(); // [column][token]
      var y1 = mat4x4f();
      for (var depth = 0u; depth < HEAD_SIZE; depth += DEPTH) {
        workgroupBarrier(); // the tiles before have been read
        stage_q(row, first_token, depth, lane);
        stage_rotations(head_rotations + start, depth, column, half, lane);
        workgroupBarrier();
        for (var i = 0u; i < min(DEPTH, HEAD_SIZE - depth); i++) {
          let q = q_tile[i * PITCH_Q + token_quad];
          y0 += outer(rotation_tile[i * PITCH_R + column_quad], q);
          y1 += outer(rotation_tile[i * PITCH_R + column_quad + GROUPS], q);
        }
      }
      best = consider4(best, y0, column + column_quad * 4u, half);
      best = consider4(best, y1, column + (column_quad + GROUPS) * 4u, half);
    }
    workgroupBarrier(); // the rivals of the factor before have been read
    for (var j = 0u; j < 4u; j++) {
      rivals[column_quad * TOKENS + token_quad * 4u + j] = vec2u(bitcast<u32>(best.value.x), best.index.x);
      best = Best(best.value.yzwx, best.index.yzwx);
    }
    workgroupBarrier();
    var all = Best(vec4f(), vec4u());
    for (var g = 0u; g < GROUPS; g++) {
      let rival = rivals[g * TOKENS + lane];
      all = better(all, Best(vec4f(bitcast<f32>(rival.x)), vec4u(rival.y)));
    }
    bucket += product * min(all.index.x, 2u * half - 1u); // whatever compares with NaN
    product *= 2u * half;
    start += half;
  }

  let token = first_token + lane;
  if (token >= params.length) { return; }
  if (round == 0u) { put_scale(row, token); }
  buckets[at_bucket(row, round, token)] = select(bucket, product, is_hidden(row, token));
}
