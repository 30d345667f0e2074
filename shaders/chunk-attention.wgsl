// chunk-attention: softmax attention of every chunk's queries to the chunks around it; one hashing round per dispatch.
//
//   s[i,j] = q_i·k_j·scale_j, replaced where (i, j) is forbidden        j over the window of i's chunk in this round
//   out[i] = Σ_j exp(s[i,j] − m_i)·dropout·v_j / l_i                    merged with earlier rounds through (m, l)
//
//   q              [B,H,L,D]     f32  queries; with SHARED_KEYS also the keys
//   k              [B,H,L,D]     f32  keys, unless SHARED_KEYS
//   v              [B,H,L,D]     f32  values
//   order          [1|3,B,H,R,L] u32  if SORTED: token at each slot; 3 planes with COUNT_ONCE or not ACROSS_BUCKETS:
//                                     then also chunk and bucket of each token (chunk-places)
//   keyMask        [B,L]         u32  if MASKED: 1 = the token may be seen
//   dropoutSource  u32  control words [16] if seeded, keep mask [B,H,R·L/C,C,C·(1+before+after)] if given
//   out            [B,H,L,D]     f32  round 0 writes it, later rounds merge into it
//   stats          [B,H,L,2]     f32  (m, l): largest logit and Σ exp(s − m) so far
//
//   scale_j  1/√D; with SHARED_KEYS (mean(q_j²) + 1e-6)^-½ / √D
//   Window   chunks c−before … c+after around the ring of all R·L/C chunks: the first chunk of a round looks back at
//            the last chunk of the round before. A token met twice counts twice unless COUNT_ONCE.
//   Grid     one workgroup per WG queries of one chunk: (line of L/C·⌈C/WG⌉ in x and y, 1, B·H); one invocation a query
//   Cost     4·D·window multiply-adds per query; q, k, v gathered once per chunk that sees them
//   Numerics online softmax in f32, window in ring order; masks are finite: -1e9 causal and padding, then -1e5 self
//   Source   Kitaev et al. 2020 §2; order of masks and ring as in Hugging Face. Oracle: test/oracle/chunk-attention.ts
override WG: u32;

struct Params {
  batch: u32,
  length: u32,
  chunkLength: u32,
  round: u32,
  dropoutRate: f32,
  site: u32,
}
@group(0) @binding(0) var<uniform>             params:        Params;
@group(0) @binding(1) var<storage, read>       q:             array<vec4f>;
@group(0) @binding(2) var<storage, read>       k:             array<vec4f>;
@group(0) @binding(3) var<storage, read>       v:             array<vec4f>;
@group(0) @binding(4) var<storage, read>       order:         array<u32>;
@group(0) @binding(5) var<storage, read>       keyMask:       array<u32>;
@group(0) @binding(6) var<storage, read>       dropoutSource: array<u32>;
@group(0) @binding(7) var<storage, read_write> out:           array<vec4f>;
@group(0) @binding(8) var<storage, read_write> stats:         array<vec2f>;

const GROUPS = TILE / 4u; // keys are taken four at a time

var<workgroup> tile_keys:    array<vec4f, TILE * HEAD_VECS>;
var<workgroup> tile_values:  array<vec4f, TILE * HEAD_VECS>;
var<workgroup> tile_tokens:  array<u32, TILE>;
var<workgroup> tile_buckets: array<u32, TILE>;
var<workgroup> tile_scales:  array<f32, TILE>; // 0 where the key may not be seen

struct Query {
  row: u32,
  token: u32,
  bucket: u32,
}

fn at_row(row: u32, token: u32) -> u32 {
  return (row * params.length + token) * HEAD_VECS;
}

// What factor turns a key of the tile into a logit's key.
fn key_scale(row: u32, t: u32) -> f32 {
  if (MASKED && keyMask[row / HEADS * params.length + tile_tokens[t]] == 0u) { return 0.0; }
  let size = f32(4u * HEAD_VECS);
  if (!SHARED_KEYS) { return 1.0 / sqrt(size); }
  var squares = 0.0;
  for (var i = 0u; i < HEAD_VECS; i++) {
    squares += dot(tile_keys[t * HEAD_VECS + i], tile_keys[t * HEAD_VECS + i]);
  }
  return 1.0 / sqrt((squares / size + NORM_EPSILON) * size);
}

fn logit(score: f32, query: Query, t: u32, count: u32) -> f32 {
  if (t >= count) { return ABSENT_LOGIT; }
  let token = tile_tokens[t];
  let scale = tile_scales[t];
  let mask = replacement(query.token, token, scale > 0.0, query.bucket == tile_buckets[t]);
  return select(mask, score * scale, mask == 0.0) - copies_logit(query.row, query.token, token);
}

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let length = params.chunkLength;
  let chunks = params.length / length;
  let parts = (length + WG - 1u) / WG;
  let line = group.x + group.y * groups.x;
  if (line >= chunks * parts) { return; }
  let row = group.z;
  let chunk = params.round * chunks + line / parts;
  let part_end = min((line % parts + 1u) * WG, length);
  let offset = (line % parts) * WG + lane;
  let slot = chunk * length + min(offset, length - 1u);

  var query = Query(row, token_at(row, slot), 0u);
  if (!ACROSS_BUCKETS) { query.bucket = bucket_of(row, params.round, query.token); }
  let dropout = pair_key(row, params.round);
  let keep = keep_row(row, slot);
  let at_query = at_row(row, query.token);
  var q_row: array<vec4f, MAX_VECS>;
  var sums: array<vec4f, MAX_VECS>;
  for (var i = 0u; i < HEAD_VECS; i++) { q_row[i] = q[at_query + i]; }
  var m = ABSENT_LOGIT;
  var l = 0.0;

  let window = length * (1u + CHUNKS_BEFORE + CHUNKS_AFTER);
  for (var start = 0u; start < window; start += TILE) {
    let count = min(TILE, window - start);
    let first = window_chunk(chunk, CHUNKS_BEFORE, start / length) * length + start % length;
    if (tokens_known(first, count) && first >= chunk * length + part_end) { continue; }

    workgroupBarrier(); // the previous tile has been used
    for (var t = lane; t < count; t += WG) {
      let key_chunk = window_chunk(chunk, CHUNKS_BEFORE, (start + t) / length);
      let token = token_at(row, key_chunk * length + (start + t) % length);
      tile_tokens[t] = token;
      if (!ACROSS_BUCKETS) { tile_buckets[t] = bucket_of(row, key_chunk / chunks, token); }
    }
    workgroupBarrier();
    for (var i = lane; i < TILE * HEAD_VECS; i += WG) {
      let t = i / HEAD_VECS;
      var key = vec4f();
      var value = vec4f();
      if (t < count) {
        let at = at_row(row, tile_tokens[t]) + i % HEAD_VECS;
        if (SHARED_KEYS) { key = q[at]; } else { key = k[at]; }
        value = v[at];
      }
      tile_keys[i] = key;
      tile_values[i] = value;
    }
    workgroupBarrier();
    for (var t = lane; t < count; t += WG) { tile_scales[t] = key_scale(row, t); }
    workgroupBarrier();

    // pass 1: logits and their maximum
    var logits: array<vec4f, GROUPS>;
    var largest = m;
    for (var g = 0u; g < GROUPS; g++) {
      let t = 4u * g;
      var score = vec4f();
      for (var i = 0u; i < HEAD_VECS; i++) {
        let x = q_row[i];
        let at = t * HEAD_VECS + i;
        score += vec4f(dot(x, tile_keys[at]), dot(x, tile_keys[at + HEAD_VECS]),
                       dot(x, tile_keys[at + 2u * HEAD_VECS]), dot(x, tile_keys[at + 3u * HEAD_VECS]));
      }
      let s = vec4f(logit(score.x, query, t, count), logit(score.y, query, t + 1u, count),
                    logit(score.z, query, t + 2u, count), logit(score.w, query, t + 3u, count));
      logits[g] = s;
      largest = max(largest, max(max(s.x, s.y), max(s.z, s.w)));
    }
    // pass 2: weights against the new maximum
    let shrink = exp(m - largest);
    m = largest;
    l *= shrink;
    for (var i = 0u; i < HEAD_VECS; i++) { sums[i] *= shrink; }
    for (var g = 0u; g < GROUPS; g++) {
      let t = 4u * g;
      var p = exp(logits[g] - m);
      l += (p.x + p.y) + (p.z + p.w);
      if (DROPOUT != DROPOUT_NONE) {
        let at = keep + start + t;
        p *= vec4f(weight_factor(dropout, query.token, tile_tokens[t], at),
                   weight_factor(dropout, query.token, tile_tokens[t + 1u], at + 1u),
                   weight_factor(dropout, query.token, tile_tokens[t + 2u], at + 2u),
                   weight_factor(dropout, query.token, tile_tokens[t + 3u], at + 3u));
      }
      for (var i = 0u; i < HEAD_VECS; i++) {
        let at = t * HEAD_VECS + i;
        sums[i] += p.x * tile_values[at] + p.y * tile_values[at + HEAD_VECS] +
                   p.z * tile_values[at + 2u * HEAD_VECS] + p.w * tile_values[at + 3u * HEAD_VECS];
      }
    }
  }

  if (offset >= length) { return; }
  let at_stats = row * params.length + query.token;
  var before = 0.0; // weight of the earlier rounds' output, times the new l
  var now = 1.0;
  if (params.round > 0u) {
    let earlier = stats[at_stats];
    let largest = max(m, earlier.x);
    before = earlier.y * exp(earlier.x - largest);
    now = exp(m - largest);
    m = largest;
    l = before + l * now;
  }
  stats[at_stats] = vec2f(m, l);
  for (var i = 0u; i < HEAD_VECS; i++) {
    var sum = sums[i] * now;
    if (params.round > 0u) { sum += out[at_query + i] * before; }
    out[at_query + i] = sum / l;
  }
}
