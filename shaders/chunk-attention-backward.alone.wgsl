// chunk-attention-backward, form without barriers for adapters that are CPUs: an invocation takes the gradients of a block
// of 8 rows alone.
//
//   Grid     one invocation per block of ROWS = 8 rows of one chunk, in a line of workgroups of 64
//   Method   tiles of 8 rows of the other side pass by; `gradient` is the running sum
//   Numerics as the plain form; the part of dk along a shared key is summed from the scores: dS·(q·k)
// The specification (equation, shapes, window, cost, source, oracle) is in chunk-attention-backward.wgsl.
struct Params {
  batch: u32,
  length: u32,
  chunkLength: u32,
  headSize: u32, // D: software drivers would unroll loops bounded by HEAD_VECS, and compile for seconds
  round: u32,
  dropoutRate: f32,
  site: u32,
  accumulate: u32,
}
@group(0) @binding(0) var<uniform>             params:        Params;
@group(0) @binding(1) var<storage, read>       q:             array<f32>;
@group(0) @binding(2) var<storage, read>       k:             array<f32>;
@group(0) @binding(3) var<storage, read>       v:             array<f32>;
@group(0) @binding(4) var<storage, read>       order:         array<u32>;
@group(0) @binding(5) var<storage, read>       dropoutSource: array<u32>;
@group(0) @binding(6) var<storage, read>       dOut:          array<f32>;
@group(0) @binding(7) var<storage, read>       rows:          array<vec4f>;
@group(0) @binding(8) var<storage, read_write> gradient:      array<f32>;

const WG = 64u;

// The two vectors of a token that meet those of another: in scores, and in the gradients of weights.
const SCORED = 0u;
const VALUED = 1u;

fn key_number(at: u32) -> f32 {
  if (SHARED_KEYS) { return q[at]; }
  return k[at];
}

// A number of a row of the block, and of one of the tile.
fn own_number(role: u32, side: u32, at: u32) -> f32 {
  if (side == SCORED) {
    if (role == DQ) { return q[at]; }
    return key_number(at);
  }
  if (role == DQ) { return dOut[at]; }
  return v[at];
}
fn tile_number(role: u32, side: u32, at: u32) -> f32 {
  if (side == SCORED) {
    if (role == DQ) { return key_number(at); }
    return q[at];
  }
  if (role == DQ) { return v[at]; }
  return dOut[at];
}

// Dot products of 8 rows of the block and 8 of the tile: [j] with rows 0 to 3, [8 + j] with rows 4 to 7.
fn products(role: u32, side: u32, own0: vec4u, own1: vec4u, tile0: vec4u, tile1: vec4u) -> array<vec4f, 16> {
  var s00 = vec4f();
  var s01 = vec4f();
  var s02 = vec4f();
  var s03 = vec4f();
  var s04 = vec4f();
  var s05 = vec4f();
  var s06 = vec4f();
  var s07 = vec4f();
  var s10 = vec4f();
  var s11 = vec4f();
  var s12 = vec4f();
  var s13 = vec4f();
  var s14 = vec4f();
  var s15 = vec4f();
  var s16 = vec4f();
  var s17 = vec4f();
  for (var d = 0u; d < params.headSize; d++) {
    let x0 = vec4f(own_number(role, side, own0.x + d), own_number(role, side, own0.y + d),
                   own_number(role, side, own0.z + d), own_number(role, side, own0.w + d));
    let x1 = vec4f(own_number(role, side, own1.x + d), own_number(role, side, own1.y + d),
                   own_number(role, side, own1.z + d), own_number(role, side, own1.w + d));
    let y0 = tile_number(role, side, tile0.x + d);
    s00 += x0 * y0;
    s10 += x1 * y0;
    let y1 = tile_number(role, side, tile0.y + d);
    s01 += x0 * y1;
    s11 += x1 * y1;
    let y2 = tile_number(role, side, tile0.z + d);
    s02 += x0 * y2;
    s12 += x1 * y2;
    let y3 = tile_number(role, side, tile0.w + d);
    s03 += x0 * y3;
    s13 += x1 * y3;
    let y4 = tile_number(role, side, tile1.x + d);
    s04 += x0 * y4;
    s14 += x1 * y4;
    let y5 = tile_number(role, side, tile1.y + d);
    s05 += x0 * y5;
    s15 += x1 * y5;
    let y6 = tile_number(role, side, tile1.z + d);
    s06 += x0 * y6;
    s16 += x1 * y6;
    let y7 = tile_number(role, side, tile1.w + d);
    s07 += x0 * y7;
    s17 += x1 * y7;
  }
  return array<vec4f, 16>(s00, s01, s02, s03, s04, s05, s06, s07,
                          s10, s11, s12, s13, s14, s15, s16, s17);
}

// Adds to the gradients of 8 rows the tile's 8 rows times `w`, of the side that this role passes on.
fn add_tile(role: u32, own0: vec4u, own1: vec4u, tile0: vec4u, tile1: vec4u, begun: bool, w: array<vec4f, 16>) {
  let passed = select(SCORED, VALUED, role == DV);
  let w00 = w[0];
  let w01 = w[1];
  let w02 = w[2];
  let w03 = w[3];
  let w04 = w[4];
  let w05 = w[5];
  let w06 = w[6];
  let w07 = w[7];
  let w10 = w[8];
  let w11 = w[9];
  let w12 = w[10];
  let w13 = w[11];
  let w14 = w[12];
  let w15 = w[13];
  let w16 = w[14];
  let w17 = w[15];
  for (var d = 0u; d < params.headSize; d++) {
    var sum0 = vec4f();
    var sum1 = vec4f();
    if (begun) {
      sum0 = gradients(own0 + vec4u(d));
      sum1 = gradients(own1 + vec4u(d));
    }
    let y0 = tile_number(role, passed, tile0.x + d);
    sum0 += w00 * y0;
    sum1 += w10 * y0;
    let y1 = tile_number(role, passed, tile0.y + d);
    sum0 += w01 * y1;
    sum1 += w11 * y1;
    let y2 = tile_number(role, passed, tile0.z + d);
    sum0 += w02 * y2;
    sum1 += w12 * y2;
    let y3 = tile_number(role, passed, tile0.w + d);
    sum0 += w03 * y3;
    sum1 += w13 * y3;
    let y4 = tile_number(role, passed, tile1.x + d);
    sum0 += w04 * y4;
    sum1 += w14 * y4;
    let y5 = tile_number(role, passed, tile1.y + d);
    sum0 += w05 * y5;
    sum1 += w15 * y5;
    let y6 = tile_number(role, passed, tile1.z + d);
    sum0 += w06 * y6;
    sum1 += w16 * y6;
    let y7 = tile_number(role, passed, tile1.w + d);
    sum0 += w07 * y7;
    sum1 += w17 * y7;
    gradient[own0.x + d] = sum0.x;
    gradient[own0.y + d] = sum0.y;
    gradient[own0.z + d] = sum0.z;
    gradient[own0.w + d] = sum0.w;
    gradient[own1.x + d] = sum1.x;
    gradient[own1.y + d] = sum1.y;
    gradient[own1.z + d] = sum1.z;
    gradient[own1.w + d] = sum1.w;
  }
}

fn gradients(at: vec4u) -> vec4f {
  return vec4f(gradient[at.x], gradient[at.y], gradient[at.z], gradient[at.w]);
}

fn own_of(row: u32, slots: vec4u) -> Own {
  let tokens = tokens_at(row, slots);
  let at = at_tokens(row, tokens);
  let numbers = transpose(mat4x4f(rows[at.x], rows[at.y], rows[at.z], rows[at.w]));
  return Own(tokens, slots, buckets_of(row, slots, tokens), numbers[0], numbers[1], numbers[2], numbers[3]);
}

fn accumulate_gradient(role: u32, at: u32) {
  let span = lone_block(at);
  if (span.outside) { return; }
  let row = span.row;
  let rows0 = own_of(row, slots_of(span, 0u));
  let rows1 = own_of(row, slots_of(span, 4u));
  let own0 = at_tokens(row, rows0.tokens) * params.headSize;
  let own1 = at_tokens(row, rows1.tokens) * params.headSize;
  var begun = params.accumulate != 0u; // the block's own tile is never left out, so it begins
  var along0 = vec4f(); // Σ dS·(q·k), for what the normalisation of shared keys removes
  var along1 = vec4f();

  // A key is seen by the queries of the chunks that have it in their window: the window mirrored.
  let before = select(CHUNKS_AFTER, CHUNKS_BEFORE, role == DQ);
  let window = params.chunkLength * (1u + CHUNKS_BEFORE + CHUNKS_AFTER);
  let own_start = span.chunk * params.chunkLength + span.start;
  let own_end = span.chunk * params.chunkLength + span.end;
  for (var start = 0u; start < window; start += 8u) {
    let count = min(8u, window - start);
    let first = window_slot(span.chunk, before, start);
    if (role == DQ) {
      if (all_forbidden(first, count, own_end)) { continue; }
    } else if (first + count <= params.length) {
      if (all_forbidden(own_start, 0u, first + count)) { continue; }
    }

    let slots0 = window_slots(span.chunk, before, start);
    let slots1 = window_slots(span.chunk, before, start + 4u);
    let others0 = tokens_at(row, slots0);
    let others1 = tokens_at(row, slots1);
    let tile0 = at_tokens(row, others0) * params.headSize;
    let tile1 = at_tokens(row, others1) * params.headSize;
    var scores = products(role, SCORED, own0, own1, tile0, tile1);
    var weights = array<vec4f, 16>(); // at first their gradients
    if (role != DV) { weights = products(role, VALUED, own0, own1, tile0, tile1); }
    // a loop, so that the masks are compiled once
    for (var i = 0u; i < 16u; i++) {
      let j = i % 8u;
      let slot = select(slots1[j % 4u], slots0[j % 4u], j < 4u);
      let other = select(others1[j % 4u], others0[j % 4u], j < 4u);
      var own = rows0;
      if (i >= 8u) { own = rows1; }
      let found = pair_weights(role, row, own, slot, other, start + j, scores[i], weights[i]);
      let weight = select(vec4f(), found, j < count);
      if (role == DK) {
        if (i < 8u) { along0 += weight * scores[i]; } else { along1 += weight * scores[i]; }
        weights[i] = weight * own.scale;
      } else {
        weights[i] = weight;
      }
    }
    add_tile(role, own0, own1, tile0, tile1, begun, weights);
    begun = true;
  }

  if (role == DK && SHARED_KEYS) {
    let removed0 = along0 * rows0.scale * rows0.scale * rows0.scale;
    let removed1 = along1 * rows1.scale * rows1.scale * rows1.scale;
    for (var d = 0u; d < params.headSize; d++) {
      let old0 = gradients(own0 + vec4u(d));
      let old1 = gradients(own1 + vec4u(d));
      for (var i = 0u; i < 4u; i++) {
        gradient[own0[i] + d] = old0[i] - removed0[i] * q[own0[i] + d];
        gradient[own1[i] + d] = old1[i] - removed1[i] * q[own1[i] + d];
      }
    }
  }
}

@compute @workgroup_size(WG)
fn dq(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  accumulate_gradient(DQ, (group.x + group.y * groups.x) * WG + lane);
}

@compute @workgroup_size(WG)
fn dk(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  accumulate_gradient(DK, (group.x + group.y * groups.x) * WG + lane);
}

@compute @workgroup_size(WG)
fn dv(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  accumulate_gradient(DV, (group.x + group.y * groups.x) * WG + lane);
}
