// lsh-hash, form without barriers for adapters that are CPUs with subgroups, and for one probe: an invocation hashes 4 tokens,
// 16 columns at a time in registers. Each invocation of a quad loads every fourth column of the rotations and hands it to the
// others. Loads and branches are what such adapters wait for.
//
//   Grid      (⌈L/128⌉, T, B·H); workgroups of 32 invocations, no workgroup memory
//   Needs     `enable subgroups;` first, shared/lsh-hash.wgsl, and quads of invocations with neighbouring
//             local indices
//   Numerics  f32; sums over D in ascending order and ties as in the plain form
// The specification (equation, shapes, cost, source, oracle) is in lsh-hash.wgsl.

@group(0) @binding(2) var<storage, read> rotations: array<f32>;

const LANES = 32u;
const WIDTH = 16u;

// Of 4 tokens: the projection of largest magnitude so far, and its index in [ y ; −y ].
struct Best { value: vec4f, index: vec4u }

// Projections of 4 tokens on 16 columns, element [column mod 4][token].
struct Block { y0: mat4x4f, y1: mat4x4f, y2: mat4x4f, y3: mat4x4f }

fn largest(y: mat4x4f) -> vec4f { return max(max(y[0], y[1]), max(y[2], y[3])); }
fn smallest(y: mat4x4f) -> vec4f { return min(min(y[0], y[1]), min(y[2], y[3])); }

// The first of four columns that has the value, else what is known of later columns.
fn first_of(y: mat4x4f, value: vec4f, column: u32, later: vec4u) -> vec4u {
  let is0 = y[0] == value;
  let is1 = y[1] == value;
  let is2 = y[2] == value;
  let is3 = y[3] == value;
  let at = select(select(later, vec4u(column + 3u), is3), vec4u(column + 2u), is2);
  return select(select(at, vec4u(column + 1u), is1), vec4u(column), is0);
}

// `column` counts from the factor's first one, of which there are `half`.
fn consider(best: Best, sums: Block, column: u32, half: u32) -> Best {
  let high = max(max(largest(sums.y0), largest(sums.y1)), max(largest(sums.y2), largest(sums.y3)));
  let low = min(min(smallest(sums.y0), smallest(sums.y1)), min(smallest(sums.y2), smallest(sums.y3)));
  let positive = high >= -low;
  let value = select(low, high, positive);
  var at = first_of(sums.y3, value, column + 12u, vec4u());
  at = first_of(sums.y2, value, column + 8u, at);
  at = first_of(sums.y1, value, column + 4u, at);
  at = first_of(sums.y0, value, column, at);
  let index = select(at + half, at, positive);
  // Of equals the first half's comes first.
  let size = abs(value);
  let best_size = abs(best.value);
  let larger = size > best_size;
  let equal = size == best_size;
  let from_second = best.value < vec4f();
  let better = larger | (equal & positive & from_second);
  return Best(select(best.value, value, better), select(best.index, index, better));
}

// x yᵀ: element [i][j] is x[i]·y[j].
fn outer(x: vec4f, y: vec4f) -> mat4x4f {
  return mat4x4f(x.x * y, x.y * y, x.z * y, x.w * y);
}

// The values of the four invocations of a quad.
fn of_quad(x: f32) -> vec4f {
  return vec4f(quadBroadcast(x, 0u), quadBroadcast(x, 1u), quadBroadcast(x, 2u), quadBroadcast(x, 3u));
}

fn component4(at: vec4u) -> vec4f {
  return vec4f(component(at.x), component(at.y), component(at.z), component(at.w));
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let row = group.z;
  let round = group.y;
  let tokens = group.x * 4u * LANES + lane + LANES * vec4u(0u, 1u, 2u, 3u);
  let rows = (row * params.length + min(tokens, vec4u(params.length - 1u))) * params.headSize;
  let pitch = ROUNDS * COLUMNS; // from one component's rotations to the next one's
  let head_rotations = row % HEADS * params.headSize * pitch + round * COLUMNS;
  let quad_columns = lane % 4u + vec4u(0u, 4u, 8u, 12u);

  var bucket = vec4u();
  var product = 1u;
  var start = 0u;
  for (var f = 0u; start < COLUMNS; f++) {
    let half = factor_of(f) / 2u;
    var best = Best(vec4f(), vec4u()); // of a zero vector
    for (var column = 0u; column < half; column += WIDTH) {
      // Behind the last column comes the last one again, which does not win against itself.
      let columns = head_rotations + start + min(column + quad_columns, vec4u(half - 1u));
      var y = Block();
      for (var i = 0u; i < params.headSize; i++) {
        let at = columns + i * pitch;
        let q = component4(rows + i);
        y.y0 += outer(of_quad(rotations[at.x]), q);
        y.y1 += outer(of_quad(rotations[at.y]), q);
        y.y2 += outer(of_quad(rotations[at.z]), q);
        y.y3 += outer(of_quad(rotations[at.w]), q);
      }
      best = consider(best, y, column, half);
    }
    bucket += product * min(best.index, vec4u(2u * half - 1u)); // whatever compares with NaN
    product *= 2u * half;
    start += half;
  }

  for (var i = 0u; i < 4u; i++) {
    let token = tokens[i];
    if (token >= params.length) { break; }
    if (round == 0u) { put_scale(row, token); }
    buckets[at_bucket(row, round, token)] = select(bucket[i], product, is_hidden(row, token));
  }
}
