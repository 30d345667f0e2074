// chunk-attention: softmax attention of every chunk's queries to the chunks around it; one hashing round per dispatch.
//
//   s[i,j] = q_i·k_j·scale_j·log2(e), replaced where (i, j) is forbidden   j over the window of i's chunk in this round
//   out[i] = Σ_j 2^(s[i,j] − m_i)·dropout·v_j / l_i                        merged with earlier rounds through (m, l)
//
//   q              [B,H,L,D]     f32  queries; with SHARED_KEYS also the keys
//   k              [B,H,L,D]     f32  keys, unless SHARED_KEYS
//   v              [B,H,L,D]     f32  values; all three as halves with shared/heads-half.wgsl, else heads-f32.wgsl
//   order          [1|3,B,H,R,L] u32  if SORTED: token at each slot; 3 planes with COUNT_ONCE or not ACROSS_BUCKETS:
//                                     then also chunk and bucket of each token (chunk-places)
//   scale          [B,H,L]       f32  of each token as a key (key-scale); 0 where it may not be seen
//   dropoutSource  u32  control words [16] if seeded, keep mask [B,H,R·L/C,C,C·(1+before+after)] if given
//   out            [B,H,L,D]     f32  round 0 writes it, later rounds merge into it
//   stats          [B,H,L,2]     f32  (m, l): largest logit and Σ 2^(s − m) so far
//
//   Window   chunks c−before … c+after around the ring of all R·L/C chunks: the first chunk of a round looks back at
//            the last chunk of the round before. A token met twice counts twice unless COUNT_ONCE.
//   Grid     one workgroup per block of ROWS queries of one chunk: (line of L/C·⌈C/ROWS⌉ in x and y, 1, B·H)
//   Layout   ROWS / 4 lines of D / 4 places. An invocation scores the 4 queries of its line against the 4 keys of a tile
//            that its place stands for (places from PLACES on score none) and sums, for its 4 queries, the vec4 of the
//            output that its place stands for; weights change hands in 16·PLACES·ROWS bytes of workgroup memory
//   Cost     4·D·window operations per query
//   Numerics online softmax in f32, window in ring order; masks are finite: -1e9 causal and padding, then -1e5 self,
//            each times log2(e). Powers of two save the product that exp would begin with
//   Source   Kitaev et al. 2020 §2; order of masks and ring as in Hugging Face. Oracle: test/oracle/chunk-attention.ts
override PLACES: u32; // at most D / 4; a tile has 4 * PLACES keys
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
}
@group(0) @binding(0) var<uniform>             params:        Params;
@group(0) @binding(1) var<storage, read>       q:             array<Vector>;
@group(0) @binding(2) var<storage, read>       k:             array<Vector>;
@group(0) @binding(3) var<storage, read>       v:             array<Vector>;
@group(0) @binding(4) var<storage, read>       order:         array<u32>;
@group(0) @binding(5) var<storage, read>       scale:         array<f32>;
@group(0) @binding(6) var<storage, read>       dropoutSource: array<u32>;
@group(0) @binding(7) var<storage, read_write> out:           array<vec4f>;
@group(0) @binding(8) var<storage, read_write> stats:         array<vec2f>;

const ABSENT_LOGIT = -1e30; // of no key at all: weight 0 beside any other

var<workgroup> row_tokens:  array<vec4u, ROWS / 4u>;
var<workgroup> row_maxima:  array<vec4f, ROWS / 4u>;
var<workgroup> row_parts:   array<vec2f, ROWS>; // what the earlier rounds' output and this round's sums are multiplied with
var<workgroup> tile_tokens: array<u32, 8u * PLACES>; // of this tile and the one before, which may still be in use
var<workgroup> place_values: array<vec4f, PLACES * ROWS / 4u>; // [place][line]: maxima, at the end sums
var<workgroup> weights:     array<vec4f, PLACES * ROWS>; // [key][line]

fn order_at(at: u32) -> u32 {
  return order[at];
}

fn key_vector(at: u32) -> vec4f {
  if (SHARED_KEYS) { return numbers_of(q[at]); }
  return numbers_of(k[at]);
}

@compute @workgroup_size(LANES)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let span = block_of(group, groups);
  if (span.outside) { return; }
  let row = span.row;
  let lines = ROWS / 4u;
  let line = lane % lines;
  let place = lane / lines;
  let slots = slots_of(span, 4u * line);
  let queries = tokens_at(row, slots);
  let buckets = buckets_of(row, slots, queries);
  let at_q = at_tokens(row, queries) * HEAD_VECS;
  let dropout = pair_key(row, slots.x);
  var m = vec4f(ABSENT_LOGIT);
  var l = vec4f(); // of the keys scored here
  var sum0 = vec4f();
  var sum1 = vec4f();
  var sum2 = vec4f();
  var sum3 = vec4f();

  let tile = 4u * PLACES;
  let window = params.chunkLength * (1u + CHUNKS_BEFORE + CHUNKS_AFTER);
  var half = 0u;
  for (var start = 0u; start < window; start += tile) {
    let count = min(tile, window - start);
    let block_end = span.chunk * params.chunkLength + span.end;
    if (all_forbidden(window_slot(span.chunk, CHUNKS_BEFORE, start), count, block_end)) { continue; }
    half = tile - half;

    // pass 1: logits of 4 queries and 4 keys
    var s0 = vec4f();
    var s1 = vec4f();
    var s2 = vec4f();
    var s3 = vec4f();
    var keys = vec4u();
    if (place < PLACES) {
      let key_slots = window_slots(span.chunk, CHUNKS_BEFORE, start + 4u * place);
      keys = tokens_at(row, key_slots);
      let at_k = at_tokens(row, keys) * HEAD_VECS;
      for (var i = 0u; i < params.headSize / 4u; i++) {
        let x0 = numbers_of(q[at_q.x + i]);
        let x1 = numbers_of(q[at_q.y + i]);
        let x2 = numbers_of(q[at_q.z + i]);
        let x3 = numbers_of(q[at_q.w + i]);
        let y0 = key_vector(at_k.x + i);
        let y1 = key_vector(at_k.y + i);
        let y2 = key_vector(at_k.z + i);
        let y3 = key_vector(at_k.w + i);
        s0 += vec4f(dot(x0, y0), dot(x1, y0), dot(x2, y0), dot(x3, y0));
        s1 += vec4f(dot(x0, y1), dot(x1, y1), dot(x2, y1), dot(x3, y1));
        s2 += vec4f(dot(x0, y2), dot(x1, y2), dot(x2, y2), dot(x3, y2));
        s3 += vec4f(dot(x0, y3), dot(x1, y3), dot(x2, y3), dot(x3, y3));
      }
      // a loop, so that the masks are compiled once
      var scores = array<vec4f, 4>(s0, s1, s2, s3);
      let key_buckets = buckets_of(row, key_slots, keys);
      for (var c = 0u; c < 4u; c++) {
        let factor = scale[row * params.length + keys[c]] * LOG2_E;
        let same = buckets == vec4u(key_buckets[c]);
        let replaced = replacements(queries, vec4u(keys[c]), vec4<bool>(factor > 0.0), same);
        let logits = logits_of(row, scores[c] * factor, replaced, queries, vec4u(keys[c]));
        scores[c] = select(vec4f(ABSENT_LOGIT), logits, 4u * place + c < count);
        if (line == 0u) { tile_tokens[half + 4u * place + c] = keys[c]; }
      }
      s0 = scores[0];
      s1 = scores[1];
      s2 = scores[2];
      s3 = scores[3];
      place_values[place * lines + line] = max(max(s0, s1), max(s2, s3));
    }
    workgroupBarrier();

    // pass 2: weights against the largest logit so far
    var largest = m;
    for (var i = 0u; 4u * i < count; i++) { largest = max(largest, place_values[i * lines + line]); }
    let shrink = exp2(m - largest);
    m = largest;
    sum0 *= shrink.x;
    sum1 *= shrink.y;
    sum2 *= shrink.z;
    sum3 *= shrink.w;
    if (place < PLACES) {
      let p0 = exp2(s0 - largest);
      let p1 = exp2(s1 - largest);
      let p2 = exp2(s2 - largest);
      let p3 = exp2(s3 - largest);
      l = l * shrink + ((p0 + p1) + (p2 + p3));
      var p = array<vec4f, 4>(p0, p1, p2, p3);
      for (var c = 0u; c < 4u; c++) {
        let kept = slots * window + keep_index(row, 0u, start + 4u * place + c);
        weights[(4u * place + c) * lines + line] =
          p[c] * weight_factors(dropout, queries, vec4u(keys[c]), kept);
      }
    }
    workgroupBarrier();

    // pass 3: weighted sums of values
    for (var j = 0u; j < count; j++) {
      let value = numbers_of(v[(row * params.length + tile_tokens[half + j]) * HEAD_VECS + place]);
      let w = weights[j * lines + line];
      sum0 += w.x * value;
      sum1 += w.y * value;
      sum2 += w.z * value;
      sum3 += w.w * value;
    }
  }

  // merge with the earlier rounds
  if (place < PLACES) { place_values[place * lines + line] = l; }
  if (place == 0u) {
    row_maxima[line] = m;
    row_tokens[line] = queries;
  }
  workgroupBarrier();
  for (var i = lane; i < ROWS; i += HEAD_VECS * ROWS / 4u) {
    var largest = row_maxima[i / 4u][i % 4u];
    var total = 0.0;
    for (var j = 0u; 4u * j < min(tile, window); j++) { total += place_values[j * lines + i / 4u][i % 4u]; }
    var earlier = 0.0;
    var now = 1.0;
    let at_stats = row * params.length + row_tokens[i / 4u][i % 4u];
    if (params.round > 0u) {
      let before = stats[at_stats];
      now = exp2(largest - max(largest, before.x));
      largest = max(largest, before.x);
      earlier = before.y * exp2(before.x - largest);
      total = earlier + total * now;
    }
    row_parts[i] = vec2f(earlier, now) / total;
    if (span.start + i < span.end) { stats[at_stats] = vec2f(largest, total); }
  }
  workgroupBarrier();
  store(span, 4u * line, at_q.x + place, sum0);
  store(span, 4u * line + 1u, at_q.y + place, sum1);
  store(span, 4u * line + 2u, at_q.z + place, sum2);
  store(span, 4u * line + 3u, at_q.w + place, sum3);
}

fn store(span: Block, i: u32, at: u32, sum: vec4f) {
  if (span.start + i >= span.end) { return; }
  let parts = row_parts[i];
  if (params.round == 0u) { out[at] = sum * parts.y; } else { out[at] = out[at] * parts.x + sum * parts.y; }
}
