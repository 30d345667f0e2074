// chunk-attention-backward: gradients of chunk-attention, one hashing round per dispatch: entries dq, dk and dv.
//
//   P[i,j]  = exp(s[i,j] − m_i) / l_i               with s, m, l of the forward pass over all rounds
//   dS[i,j] = P·(dropout·dOut_i·v_j − D_i)          0 where the score was replaced by a mask
//   dq_i = Σ_j dS·k_j·scale_j     dk_j = J_j·Σ_i dS·q_i     dv_j = Σ_i P·dropout·dOut_i
//
//   q, k, v        [B,H,L,D]     f32  as in chunk-attention
//   order          [1|3,B,H,R,L] u32  as in chunk-attention
//   dropoutSource  u32                as in chunk-attention
//   dOut           [B,H,L,D]     f32
//   rows           [B,H,L,4]     f32  (m, 1/l, D, scale) of attention-delta; scale is 0 where the key may not be seen
//   gradient       [B,H,L,D]     f32  written, or added to if `accumulate`
//
//   J_j      scale_j; with SHARED_KEYS the Jacobian of the normalisation, scale·(I − scale²·q_j q_jᵀ): then dk is a part
//            of the gradient of q and is added to it
//   Method   the own row of an invocation is a query (dq) or a key (dk, dv); tiles of the other side pass by
//   Grid     one workgroup per WG own rows of one chunk: (line of L/C·⌈C/WG⌉ in x and y, 1, B·H); one invocation a row
//   Cost     6·D·window multiply-adds per row (dq, dk), 4·D·window (dv)
//   Numerics f32 sums in ring order, no atomics: every row of the gradient has one writer per dispatch
//   Source   softmax gradient as in Dao et al. 2022. Oracle: test/oracle/chunk-attention-backward.ts
override WG: u32;

struct Params {
  batch: u32,
  length: u32,
  chunkLength: u32,
  round: u32,
  dropoutRate: f32,
  site: u32,
  accumulate: u32,
}
@group(0) @binding(0) var<uniform>             params:        Params;
@group(0) @binding(1) var<storage, read>       q:             array<vec4f>;
@group(0) @binding(2) var<storage, read>       k:             array<vec4f>;
@group(0) @binding(3) var<storage, read>       v:             array<vec4f>;
@group(0) @binding(4) var<storage, read>       order:         array<u32>;
@group(0) @binding(5) var<storage, read>       dropoutSource: array<u32>;
@group(0) @binding(6) var<storage, read>       dOut:          array<vec4f>;
@group(0) @binding(7) var<storage, read>       rows:          array<vec4f>;
@group(0) @binding(8) var<storage, read_write> gradient:      array<vec4f>;

const GROUPS = TILE / 4u; // rows of a tile are taken four at a time

// What the own rows are, and whose gradient is taken.
const DQ = 0u;
const DK = 1u;
const DV = 2u;

var<workgroup> tile_scored:  array<vec4f, TILE * HEAD_VECS>; // keys for dq, else queries
var<workgroup> tile_valued:  array<vec4f, TILE * HEAD_VECS>; // values for dq, else dOut
var<workgroup> tile_rows:    array<vec4f, TILE>;
var<workgroup> tile_tokens:  array<u32, TILE>;
var<workgroup> tile_buckets: array<u32, TILE>;
var<workgroup> tile_keeps:   array<u32, TILE>;
var<workgroup> tile_keys:    array<vec2u, TILE>; // of the dropout generator

struct Own {
  row: u32,
  token: u32,
  bucket: u32,
  keep: u32,
  numbers: vec4f, // its vector of `rows`
}

fn at_row(row: u32, token: u32) -> u32 {
  return (row * params.length + token) * HEAD_VECS;
}

fn key_vector(at: u32) -> vec4f {
  if (SHARED_KEYS) { return q[at]; }
  return k[at];
}

// The factor of the tile's row t in the own row's gradient.
fn pair_weight(role: u32, own: Own, t: u32, count: u32, score: f32, d_weight: f32) -> f32 {
  if (t >= count) { return 0.0; }
  let of_query = role == DQ;
  let query = select(tile_tokens[t], own.token, of_query);
  let key = select(own.token, tile_tokens[t], of_query);
  let numbers = select(tile_rows[t], own.numbers, of_query);
  let scale = select(own.numbers.w, tile_rows[t].w, of_query);
  let mask = replacement(query, key, scale > 0.0, own.bucket == tile_buckets[t]);
  let s = select(mask, score * scale, mask == 0.0) - copies_logit(own.row, query, key);
  let p = exp(s - numbers.x) * numbers.y;
  let factor = weight_factor(tile_keys[t], query, key, own.keep + tile_keeps[t]);
  if (role == DV) { return p * factor; }
  let d_score = select(0.0, p * (factor * d_weight - numbers.z), mask == 0.0);
  return select(d_score, d_score * scale, of_query);
}

fn accumulate_gradient(role: u32, group: vec3u, groups: vec3u, lane: u32) {
  let length = params.chunkLength;
  let chunks = params.length / length;
  let parts = (length + WG - 1u) / WG;
  let line = group.x + group.y * groups.x;
  if (line >= chunks * parts) { return; }
  let row = group.z;
  let chunk = params.round * chunks + line / parts;
  let part_start = line % parts * WG;
  let part_end = min(part_start + WG, length);
  let offset = part_start + lane;
  let slot = chunk * length + min(offset, length - 1u);

  let token = token_at(row, slot);
  var own = Own(row, token, 0u, 0u, rows[row * params.length + token]);
  if (!ACROSS_BUCKETS) { own.bucket = bucket_of(row, params.round, token); }
  own.keep = select(slot % length, keep_row(row, slot), role == DQ);
  let at_own = at_row(row, token);
  var scored: array<vec4f, MAX_VECS>;
  var valued: array<vec4f, MAX_VECS>;
  var sums: array<vec4f, MAX_VECS>;
  for (var i = 0u; i < HEAD_VECS; i++) {
    if (role == DQ) {
      scored[i] = q[at_own + i];
      valued[i] = dOut[at_own + i];
    } else {
      scored[i] = key_vector(at_own + i);
      if (role == DK) { valued[i] = v[at_own + i]; }
    }
  }

  // A key is seen by the queries of the chunks that have it in their window: the window mirrored.
  let span = CHUNKS_BEFORE + CHUNKS_AFTER;
  let before = select(CHUNKS_AFTER, CHUNKS_BEFORE, role == DQ);
  let window = length * (1u + span);
  for (var start = 0u; start < window; start += TILE) {
    let count = min(TILE, window - start);
    let first = window_chunk(chunk, before, start / length) * length + start % length;
    let own_first = chunk * length + part_start;
    let own_end = chunk * length + part_end;
    let unseen = select(first + count <= own_first, first >= own_end, role == DQ);
    if (tokens_known(first, count) && unseen) { continue; }

    workgroupBarrier(); // the previous tile has been used
    for (var t = lane; t < count; t += WG) {
      let column = start + t;
      let tile_chunk = window_chunk(chunk, before, column / length);
      let tile_slot = tile_chunk * length + column % length;
      let round = tile_chunk / chunks;
      let tile_token = token_at(row, tile_slot);
      tile_tokens[t] = tile_token;
      tile_rows[t] = rows[row * params.length + tile_token];
      if (!ACROSS_BUCKETS) { tile_buckets[t] = bucket_of(row, round, tile_token); }
      if (role == DQ) {
        tile_keeps[t] = column;
        tile_keys[t] = pair_key(row, params.round);
      } else {
        tile_keeps[t] = keep_row(row, tile_slot) + (span - column / length) * length;
        tile_keys[t] = pair_key(row, round);
      }
    }
    workgroupBarrier();
    for (var i = lane; i < TILE * HEAD_VECS; i += WG) {
      let t = i / HEAD_VECS;
      var a = vec4f();
      var b = vec4f();
      if (t < count) {
        let at = at_row(row, tile_tokens[t]) + i % HEAD_VECS;
        if (role == DQ) {
          a = key_vector(at);
          b = v[at];
        } else {
          a = q[at];
          b = dOut[at];
        }
      }
      tile_scored[i] = a;
      tile_valued[i] = b;
    }
    workgroupBarrier();

    for (var g = 0u; g < GROUPS; g++) {
      let t = 4u * g;
      var score = vec4f();
      var d_weight = vec4f();
      for (var i = 0u; i < HEAD_VECS; i++) {
        let at = t * HEAD_VECS + i;
        let x = scored[i];
        score += vec4f(dot(x, tile_scored[at]), dot(x, tile_scored[at + HEAD_VECS]),
                       dot(x, tile_scored[at + 2u * HEAD_VECS]), dot(x, tile_scored[at + 3u * HEAD_VECS]));
        if (role != DV) {
          let y = valued[i];
          d_weight += vec4f(dot(y, tile_valued[at]), dot(y, tile_valued[at + HEAD_VECS]),
                            dot(y, tile_valued[at + 2u * HEAD_VECS]), dot(y, tile_valued[at + 3u * HEAD_VECS]));
        }
      }
      let w = vec4f(pair_weight(role, own, t, count, score.x, d_weight.x),
                    pair_weight(role, own, t + 1u, count, score.y, d_weight.y),
                    pair_weight(role, own, t + 2u, count, score.z, d_weight.z),
                    pair_weight(role, own, t + 3u, count, score.w, d_weight.w));
      for (var i = 0u; i < HEAD_VECS; i++) {
        let at = t * HEAD_VECS + i;
        if (role == DV) {
          sums[i] += w.x * tile_valued[at] + w.y * tile_valued[at + HEAD_VECS] +
                     w.z * tile_valued[at + 2u * HEAD_VECS] + w.w * tile_valued[at + 3u * HEAD_VECS];
        } else {
          sums[i] += w.x * tile_scored[at] + w.y * tile_scored[at + HEAD_VECS] +
                     w.z * tile_scored[at + 2u * HEAD_VECS] + w.w * tile_scored[at + 3u * HEAD_VECS];
        }
      }
    }
  }

  if (offset >= length) { return; }
  let scale = select(1.0, own.numbers.w, role == DK);
  var along = 0.0; // what the normalisation removes: the part along the key itself
  if (SHARED_KEYS && role == DK) {
    for (var i = 0u; i < HEAD_VECS; i++) { along += dot(scored[i], sums[i]); }
    along *= scale * scale;
  }
  for (var i = 0u; i < HEAD_VECS; i++) {
    var sum = sums[i];
    if (role == DK) { sum = scale * (sum - along * scored[i]); }
    if (params.accumulate != 0u) { sum += gradient[at_own + i]; }
    gradient[at_own + i] = sum;
  }
}

@compute @workgroup_size(WG)
fn dq(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  accumulate_gradient(DQ, group, groups, lane);
}

@compute @workgroup_size(WG)
fn dk(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  accumulate_gradient(DK, group, groups, lane);
}

@compute @workgroup_size(WG)
fn dv(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  accumulate_gradient(DV, group, groups, lane);
}
