// chunk-attention-backward: gradients of chunk-attention, one hashing round per dispatch: entries dq, dk and dv.
//
//   P[i,j]  = 2^(s[i,j] − m_i) / l_i                with s, m, l of the forward pass over all rounds
//   dS[i,j] = P·(dropout·dOut_i·v_j − D_i)          0 where the score was replaced by a mask
//   dq_i = Σ_j dS·k_j·scale_j     dk_j = J_j·Σ_i dS·q_i     dv_j = Σ_i P·dropout·dOut_i
//
//   q, k, v        [B,H,L,D]     f32  or halves, as in chunk-attention
//   order          [1|3,B,H,R,L] u32  as in chunk-attention
//   dropoutSource  u32                as in chunk-attention
//   dOut           [B,H,L,D]     f32
//   rows           [B,H,L,4]     f32  (m, 1/l, D, scale) of attention-delta
//   gradient       [B,H,L,D]     f32  written, or added to if `accumulate`
//
//   J_j      scale_j; with SHARED_KEYS the Jacobian of the normalisation, scale·(I − scale²·q_j q_jᵀ): then dk is a part
//            of the gradient of q and is added to it
//   Method   the rows of a block are queries (dq) or keys (dk, dv); tiles of the other side pass by
//   Grid     one workgroup per block of ROWS rows of one chunk: (line of L/C·⌈C/ROWS⌉ in x and y, 1, B·H)
//   Layout   ROWS / 4 lines of D / 4 places, as in chunk-attention
//   Cost     6·D·window operations per row (dq, dk), 4·D·window (dv)
//   Numerics f32 sums in ring order, no atomics: every row of the gradient has one writer per dispatch
//   Source   softmax gradient as in Dao et al. 2022. Oracle: test/oracle/chunk-attention-backward.ts
override PLACES: u32; // at most D / 4; a tile has 4 * PLACES rows
override LANES: u32;  // HEAD_VECS * ROWS / 4

struct Params {
  batch: u32,
  length: u32,
  chunkLength: u32,
  headSize: u32, // D: software drivers would unroll loops bounded by HEAD_VECS, and compile for seconds
  round: u32,
  dropoutRate: f32,
  site: u32,
  firstHead: u32,
  accumulate: u32,
}
@group(0) @binding(0) var<uniform>             params:        Params;
@group(0) @binding(1) var<storage, read>       q:             array<Vector>;
@group(0) @binding(2) var<storage, read>       k:             array<Vector>;
@group(0) @binding(3) var<storage, read>       v:             array<Vector>;
@group(0) @binding(4) var<storage, read>       order:         array<u32>;
@group(0) @binding(5) var<storage, read>       dropoutSource: array<u32>;
@group(0) @binding(6) var<storage, read>       dOut:          array<vec4f>;
@group(0) @binding(7) var<storage, read>       rows:          array<vec4f>;
@group(0) @binding(8) var<storage, read_write> gradient:      array<vec4f>;

var<workgroup> tile_tokens: array<u32, 4u * PLACES>;
var<workgroup> weights:     array<vec4f, PLACES * ROWS>; // [row of the tile][line]

fn order_at(at: u32) -> u32 {
  return order[at];
}

fn key_vector(at: u32) -> vec4f {
  if (SHARED_KEYS) { return numbers_of(q[at]); }
  return numbers_of(k[at]);
}

// The block's side of a score, and the tile's.
fn own_scored(role: u32, at: u32) -> vec4f {
  if (role == DQ) { return numbers_of(q[at]); }
  return key_vector(at);
}
fn tile_scored(role: u32, at: u32) -> vec4f {
  if (role == DQ) { return key_vector(at); }
  return numbers_of(q[at]);
}

// The block's side of a weight's gradient, and the tile's.
fn own_valued(role: u32, at: u32) -> vec4f {
  if (role == DQ) { return dOut[at]; }
  return numbers_of(v[at]);
}
fn tile_valued(role: u32, at: u32) -> vec4f {
  if (role == DQ) { return numbers_of(v[at]); }
  return dOut[at];
}

fn accumulate_gradient(role: u32, group: vec3u, groups: vec3u, lane: u32) {
  let span = block_of(group, groups);
  if (span.outside) { return; }
  let row = span.row;
  let lines = ROWS / 4u;
  let line = lane % lines;
  let place = lane / lines;
  let own = own_of(row, slots_of(span, 4u * line));
  let at_own = at_tokens(row, own.tokens) * HEAD_VECS;
  var sum0 = vec4f();
  var sum1 = vec4f();
  var sum2 = vec4f();
  var sum3 = vec4f();

  // A key is seen by the queries of the chunks that have it in their window: the window mirrored.
  let before = select(CHUNKS_AFTER, CHUNKS_BEFORE, role == DQ);
  let tile = 4u * PLACES;
  let window = params.chunkLength * (1u + CHUNKS_BEFORE + CHUNKS_AFTER);
  let own_start = span.chunk * params.chunkLength + span.start;
  let own_end = span.chunk * params.chunkLength + span.end;
  for (var start = 0u; start < window; start += tile) {
    let count = min(tile, window - start);
    let first = window_slot(span.chunk, before, start);
    if (role == DQ) {
      if (all_forbidden(first, count, own_end)) { continue; }
    } else if (first + count <= params.length) {
      if (all_forbidden(own_start, 0u, first + count)) { continue; }
    }

    workgroupBarrier(); // the previous tile has been used
    if (place < PLACES) {
      let tile_slots = window_slots(span.chunk, before, start + 4u * place);
      let others = tokens_at(row, tile_slots);
      let at = at_tokens(row, others) * HEAD_VECS;
      var s0 = vec4f();
      var s1 = vec4f();
      var s2 = vec4f();
      var s3 = vec4f();
      for (var i = 0u; i < params.headSize / 4u; i++) {
        let x0 = own_scored(role, at_own.x + i);
        let x1 = own_scored(role, at_own.y + i);
        let x2 = own_scored(role, at_own.z + i);
        let x3 = own_scored(role, at_own.w + i);
        let y0 = tile_scored(role, at.x + i);
        let y1 = tile_scored(role, at.y + i);
        let y2 = tile_scored(role, at.z + i);
        let y3 = tile_scored(role, at.w + i);
        s0 += vec4f(dot(x0, y0), dot(x1, y0), dot(x2, y0), dot(x3, y0));
        s1 += vec4f(dot(x0, y1), dot(x1, y1), dot(x2, y1), dot(x3, y1));
        s2 += vec4f(dot(x0, y2), dot(x1, y2), dot(x2, y2), dot(x3, y2));
        s3 += vec4f(dot(x0, y3), dot(x1, y3), dot(x2, y3), dot(x3, y3));
      }
      var d0 = vec4f();
      var d1 = vec4f();
      var d2 = vec4f();
      var d3 = vec4f();
      for (var i = 0u; role != DV && i < params.headSize / 4u; i++) {
        let x0 = own_valued(role, at_own.x + i);
        let x1 = own_valued(role, at_own.y + i);
        let x2 = own_valued(role, at_own.z + i);
        let x3 = own_valued(role, at_own.w + i);
        let y0 = tile_valued(role, at.x + i);
        let y1 = tile_valued(role, at.y + i);
        let y2 = tile_valued(role, at.z + i);
        let y3 = tile_valued(role, at.w + i);
        d0 += vec4f(dot(x0, y0), dot(x1, y0), dot(x2, y0), dot(x3, y0));
        d1 += vec4f(dot(x0, y1), dot(x1, y1), dot(x2, y1), dot(x3, y1));
        d2 += vec4f(dot(x0, y2), dot(x1, y2), dot(x2, y2), dot(x3, y2));
        d3 += vec4f(dot(x0, y3), dot(x1, y3), dot(x2, y3), dot(x3, y3));
      }
      // a loop, so that the masks are compiled once
      var scores = array<vec4f, 4>(s0, s1, s2, s3);
      var d_weights = array<vec4f, 4>(d0, d1, d2, d3);
      for (var c = 0u; c < 4u; c++) {
        let column = start + 4u * place + c;
        let found = pair_weights(role, row, own, tile_slots[c], others[c], column, scores[c], d_weights[c]);
        weights[(4u * place + c) * lines + line] = select(vec4f(), found, column < window);
        if (line == 0u) { tile_tokens[4u * place + c] = others[c]; }
      }
    }
    workgroupBarrier();

    for (var j = 0u; j < count; j++) {
      let at = (row * params.length + tile_tokens[j]) * HEAD_VECS + place;
      var vector = vec4f();
      if (role == DV) { vector = dOut[at]; } else { vector = tile_scored(role, at); }
      let w = weights[j * lines + line];
      sum0 += w.x * vector;
      sum1 += w.y * vector;
      sum2 += w.z * vector;
      sum3 += w.w * vector;
    }
  }

  if (role == DK) {
    var along = vec4f(); // what the normalisation removes: the part along the key itself
    var x = array<vec4f, 4>();
    if (SHARED_KEYS) {
      x = array<vec4f, 4>(numbers_of(q[at_own.x + place]), numbers_of(q[at_own.y + place]),
                          numbers_of(q[at_own.z + place]), numbers_of(q[at_own.w + place]));
      workgroupBarrier(); // the last tile has been used
      weights[place * lines + line] = vec4f(dot(x[0], sum0), dot(x[1], sum1), dot(x[2], sum2), dot(x[3], sum3));
      workgroupBarrier();
      for (var i = 0u; i < params.headSize / 4u; i++) { along += weights[i * lines + line]; }
      along *= own.scale * own.scale;
    }
    sum0 = own.scale.x * (sum0 - along.x * x[0]);
    sum1 = own.scale.y * (sum1 - along.y * x[1]);
    sum2 = own.scale.z * (sum2 - along.z * x[2]);
    sum3 = own.scale.w * (sum3 - along.w * x[3]);
  }
  store(span, 4u * line, at_own.x + place, sum0);
  store(span, 4u * line + 1u, at_own.y + place, sum1);
  store(span, 4u * line + 2u, at_own.z + place, sum2);
  store(span, 4u * line + 3u, at_own.w + place, sum3);
}

fn store(span: Block, i: u32, at: u32, sum: vec4f) {
  if (span.start + i >= span.end) { return; }
  if (params.accumulate == 0u) { gradient[at] = sum; } else { gradient[at] += sum; }
}

@compute @workgroup_size(LANES)
fn dq(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  accumulate_gradient(DQ, group, groups, lane);
}

@compute @workgroup_size(LANES)
fn dk(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  accumulate_gradient(DK, group, groups, lane);
}

@compute @workgroup_size(LANES)
fn dv(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  accumulate_gradient(DV, group, groups, lane);
}
