// chunk-attention, form without barriers for adapters that are CPUs: an invocation attends alone for a block of 8 queries.
//
//   Grid     one invocation per block of ROWS = 8 queries of one chunk, in a line of workgroups of 64
//   Method   tiles of 8 keys pass by; `out` is the running result, normalised after every tile
//   Numerics as the plain form; online softmax over 8 keys at a time, from the earlier rounds' (m, l) on
// The specification (equation, shapes, window, cost, source, oracle) is in chunk-attention.wgsl.
struct Params {
  batch: u32,
  length: u32,
  chunkLength: u32,
  headSize: u32, // D: software drivers would unroll loops bounded by HEAD_VECS, and compile for seconds
  round: u32,
  dropoutRate: f32,
  site: u32,
}
@group(0) @binding(0) var<uniform>             params:        Params;
@group(0) @binding(1) var<storage, read>       q:             array<f32>;
@group(0) @binding(2) var<storage, read>       k:             array<f32>;
@group(0) @binding(3) var<storage, read>       v:             array<f32>;
@group(0) @binding(4) var<storage, read>       order:         array<u32>;
@group(0) @binding(5) var<storage, read>       scale:         array<f32>;
@group(0) @binding(6) var<storage, read>       dropoutSource: array<u32>;
@group(0) @binding(7) var<storage, read_write> out:           array<f32>;
@group(0) @binding(8) var<storage, read_write> stats:         array<vec2f>;

const WG = 64u;
const ABSENT_LOGIT = -1e30; // of no key at all: weight 0 beside any other

fn key_at(at: u32) -> f32 {
  if (SHARED_KEYS) { return q[at]; }
  return k[at];
}

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let span = lone_block((group.x + group.y * groups.x) * WG + lane);
  if (span.outside) { return; }
  let row = span.row;
  let slots0 = slots_of(span, 0u);
  let slots1 = slots_of(span, 4u);
  let queries0 = tokens_at(row, slots0);
  let queries1 = tokens_at(row, slots1);
  let buckets0 = buckets_of(row, slots0, queries0);
  let buckets1 = buckets_of(row, slots1, queries1);
  let rows0 = at_tokens(row, queries0);
  let rows1 = at_tokens(row, queries1);
  let q0 = rows0 * params.headSize;
  let q1 = rows1 * params.headSize;
  let dropout = pair_key(row, slots0.x);
  var m0 = vec4f(ABSENT_LOGIT);
  var m1 = vec4f(ABSENT_LOGIT);
  var l0 = vec4f();
  var l1 = vec4f();
  if (params.round > 0u) {
    for (var i = 0u; i < 4u; i++) {
      let before0 = stats[rows0[i]];
      let before1 = stats[rows1[i]];
      m0[i] = before0.x;
      l0[i] = before0.y;
      m1[i] = before1.x;
      l1[i] = before1.y;
    }
  }

  let window = params.chunkLength * (1u + CHUNKS_BEFORE + CHUNKS_AFTER);
  for (var start = 0u; start < window; start += 8u) {
    let count = min(8u, window - start);
    let block_end = span.chunk * params.chunkLength + span.end;
    if (all_forbidden(window_slot(span.chunk, CHUNKS_BEFORE, start), count, block_end)) { continue; }

    // pass 1: scores of 8 queries and 8 keys
    let key_slots0 = window_slots(span.chunk, CHUNKS_BEFORE, start);
    let key_slots1 = window_slots(span.chunk, CHUNKS_BEFORE, start + 4u);
    let keys0 = tokens_at(row, key_slots0);
    let keys1 = tokens_at(row, key_slots1);
    let k0 = at_tokens(row, keys0) * params.headSize;
    let k1 = at_tokens(row, keys1) * params.headSize;
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
      let x0 = vec4f(q[q0.x + d], q[q0.y + d], q[q0.z + d], q[q0.w + d]);
      let x1 = vec4f(q[q1.x + d], q[q1.y + d], q[q1.z + d], q[q1.w + d]);
      let y0 = key_at(k0.x + d);
      s00 += x0 * y0;
      s10 += x1 * y0;
      let y1 = key_at(k0.y + d);
      s01 += x0 * y1;
      s11 += x1 * y1;
      let y2 = key_at(k0.z + d);
      s02 += x0 * y2;
      s12 += x1 * y2;
      let y3 = key_at(k0.w + d);
      s03 += x0 * y3;
      s13 += x1 * y3;
      let y4 = key_at(k1.x + d);
      s04 += x0 * y4;
      s14 += x1 * y4;
      let y5 = key_at(k1.y + d);
      s05 += x0 * y5;
      s15 += x1 * y5;
      let y6 = key_at(k1.z + d);
      s06 += x0 * y6;
      s16 += x1 * y6;
      let y7 = key_at(k1.w + d);
      s07 += x0 * y7;
      s17 += x1 * y7;
    }

    // pass 2: logits, a loop, so that the masks are compiled once; weights against the largest logit so far
    var p0 = array<vec4f, 8>(s00, s01, s02, s03, s04, s05, s06, s07);
    var p1 = array<vec4f, 8>(s10, s11, s12, s13, s14, s15, s16, s17);
    let key_buckets0 = buckets_of(row, key_slots0, keys0);
    let key_buckets1 = buckets_of(row, key_slots1, keys1);
    var top0 = m0;
    var top1 = m1;
    for (var j = 0u; j < 8u; j++) {
      let key = vec4u(select(keys1[j % 4u], keys0[j % 4u], j < 4u));
      let bucket = vec4u(select(key_buckets1[j % 4u], key_buckets0[j % 4u], j < 4u));
      let factor = scale[row * params.length + key.x];
      let seen = vec4<bool>(factor > 0.0);
      let there = j < count;
      let replaced0 = replacements(queries0, key, seen, buckets0 == bucket);
      let replaced1 = replacements(queries1, key, seen, buckets1 == bucket);
      p0[j] = select(vec4f(ABSENT_LOGIT), logits_of(row, p0[j] * factor, replaced0, queries0, key), there);
      p1[j] = select(vec4f(ABSENT_LOGIT), logits_of(row, p1[j] * factor, replaced1, queries1, key), there);
      top0 = max(top0, p0[j]);
      top1 = max(top1, p1[j]);
    }
    let shrink0 = l0 * exp(m0 - top0);
    let shrink1 = l1 * exp(m1 - top1);
    var sum0 = vec4f();
    var sum1 = vec4f();
    for (var j = 0u; j < 8u; j++) {
      p0[j] = exp(p0[j] - top0);
      p1[j] = exp(p1[j] - top1);
      sum0 += p0[j];
      sum1 += p1[j];
      if (DROPOUT != DROPOUT_NONE) {
        let key = vec4u(select(keys1[j % 4u], keys0[j % 4u], j < 4u));
        let kept = keep_index(row, 0u, start + j);
        p0[j] *= weight_factors(dropout, queries0, key, slots0 * window + kept);
        p1[j] *= weight_factors(dropout, queries1, key, slots1 * window + kept);
      }
    }
    let begun0 = l0 > vec4f();
    let begun1 = l1 > vec4f();
    m0 = top0;
    m1 = top1;
    l0 = shrink0 + sum0;
    l1 = shrink1 + sum1;
    let keep0 = shrink0 / l0;
    let keep1 = shrink1 / l1;

    // pass 3: weighted sums of values
    let share0 = 1.0 / l0;
    let share1 = 1.0 / l1;
    let p00 = p0[0] * share0;
    let p01 = p0[1] * share0;
    let p02 = p0[2] * share0;
    let p03 = p0[3] * share0;
    let p04 = p0[4] * share0;
    let p05 = p0[5] * share0;
    let p06 = p0[6] * share0;
    let p07 = p0[7] * share0;
    let p10 = p1[0] * share1;
    let p11 = p1[1] * share1;
    let p12 = p1[2] * share1;
    let p13 = p1[3] * share1;
    let p14 = p1[4] * share1;
    let p15 = p1[5] * share1;
    let p16 = p1[6] * share1;
    let p17 = p1[7] * share1;
    for (var d = 0u; d < params.headSize; d++) {
      let old0 = vec4f(out[q0.x + d], out[q0.y + d], out[q0.z + d], out[q0.w + d]);
      let old1 = vec4f(out[q1.x + d], out[q1.y + d], out[q1.z + d], out[q1.w + d]);
      var o0 = select(vec4f(), old0, begun0) * keep0;
      var o1 = select(vec4f(), old1, begun1) * keep1;
      let y0 = v[k0.x + d];
      o0 += p00 * y0;
      o1 += p10 * y0;
      let y1 = v[k0.y + d];
      o0 += p01 * y1;
      o1 += p11 * y1;
      let y2 = v[k0.z + d];
      o0 += p02 * y2;
      o1 += p12 * y2;
      let y3 = v[k0.w + d];
      o0 += p03 * y3;
      o1 += p13 * y3;
      let y4 = v[k1.x + d];
      o0 += p04 * y4;
      o1 += p14 * y4;
      let y5 = v[k1.y + d];
      o0 += p05 * y5;
      o1 += p15 * y5;
      let y6 = v[k1.z + d];
      o0 += p06 * y6;
      o1 += p16 * y6;
      let y7 = v[k1.w + d];
      o0 += p07 * y7;
      o1 += p17 * y7;
      out[q0.x + d] = o0.x;
      out[q0.y + d] = o0.y;
      out[q0.z + d] = o0.z;
      out[q0.w + d] = o0.w;
      out[q1.x + d] = o1.x;
      out[q1.y + d] = o1.y;
      out[q1.z + d] = o1.z;
      out[q1.w + d] = o1.w;
    }
  }
  for (var i = 0u; i < 4u; i++) {
    stats[rows0[i]] = vec2f(m0[i], l0[i]);
    stats[rows1[i]] = vec2f(m1[i], l1[i]);
  }
}
