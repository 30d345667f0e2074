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
  firstHead: u32,
}
@group(0) @binding(0) var<uniform>             params:        Params;
@group(0) @binding(1) var<storage, read>       q:             array<Word>;
@group(0) @binding(2) var<storage, read>       k:             array<Word>;
@group(0) @binding(3) var<storage, read>       v:             array<Word>;
@group(0) @binding(4) var<storage, read>       order:         array<u32>;
@group(0) @binding(5) var<storage, read>       scale:         array<f32>;
@group(0) @binding(6) var<storage, read>       dropoutSource: array<u32>;
@group(0) @binding(7) var<storage, read_write> out:           array<f32>;
@group(0) @binding(8) var<storage, read_write> stats:         array<vec2f>;

const ABSENT_LOGIT = -1e30; // of no key at all: weight 0 beside any other

fn order_at(at: u32) -> u32 {
  return order[at];
}

// One role: the block's rows are queries, the tile's keys.
fn own_number(role: u32, side: u32, at: u32) -> f32 {
  return number_of(q[word_index(at)], at);
}
fn tile_number(role: u32, side: u32, at: u32) -> f32 {
  let index = word_index(at);
  if (side == VALUED) { return number_of(v[index], at); }
  if (SHARED_KEYS) { return number_of(q[index], at); }
  return number_of(k[index], at);
}

fn result_at(role: u32, at: u32) -> f32 {
  return out[at];
}
fn put_result(role: u32, at: u32, value: f32) {
  out[at] = value;
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
    var p = products(0u, SCORED, q0, q1, k0, k1); // scores, logits, weights: [j] and [8 + j] for the two halves of the block

    // pass 2: logits, a loop, so that the masks are compiled once; weights against the largest logit so far
    let key_buckets0 = buckets_of(row, key_slots0, keys0);
    let key_buckets1 = buckets_of(row, key_slots1, keys1);
    var top0 = m0;
    var top1 = m1;
    for (var j = 0u; j < 8u; j++) {
      let key = vec4u(select(keys1[j % 4u], keys0[j % 4u], j < 4u));
      let bucket = vec4u(select(key_buckets1[j % 4u], key_buckets0[j % 4u], j < 4u));
      let factor = scale[row * params.length + key.x] * LOG2_E;
      let seen = vec4<bool>(factor > 0.0);
      let there = j < count;
      let replaced0 = replacements(queries0, key, seen, buckets0 == bucket);
      let replaced1 = replacements(queries1, key, seen, buckets1 == bucket);
      p[j] = select(vec4f(ABSENT_LOGIT), logits_of(row, p[j] * factor, replaced0, queries0, key), there);
      p[8u + j] = select(vec4f(ABSENT_LOGIT), logits_of(row, p[8u + j] * factor, replaced1, queries1, key), there);
      top0 = max(top0, p[j]);
      top1 = max(top1, p[8u + j]);
    }
    let shrink0 = l0 * exp2(m0 - top0);
    let shrink1 = l1 * exp2(m1 - top1);
    var sum0 = vec4f();
    var sum1 = vec4f();
    for (var j = 0u; j < 8u; j++) {
      p[j] = exp2(p[j] - top0);
      p[8u + j] = exp2(p[8u + j] - top1);
      sum0 += p[j];
      sum1 += p[8u + j];
      if (DROPOUT != DROPOUT_NONE) {
        let key = vec4u(select(keys1[j % 4u], keys0[j % 4u], j < 4u));
        let kept = keep_index(row, 0u, start + j);
        p[j] *= weight_factors(dropout, queries0, key, slots0 * window + kept);
        p[8u + j] *= weight_factors(dropout, queries1, key, slots1 * window + kept);
      }
    }
    m0 = top0;
    m1 = top1;
    l0 = shrink0 + sum0;
    l1 = shrink1 + sum1;

    // pass 3: weighted sums of values
    for (var j = 0u; j < 8u; j++) {
      p[j] /= l0;
      p[8u + j] /= l1;
    }
    add_tile(0u, VALUED, q0, q1, k0, k1, shrink0 / l0, shrink1 / l1, p);
  }
  for (var i = 0u; i < 4u; i++) {
    stats[rows0[i]] = vec2f(m0[i], l0[i]);
    stats[rows1[i]] = vec2f(m1[i], l1[i]);
  }
}
