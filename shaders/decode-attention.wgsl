// decode-attention: softmax attention of one new token per sequence to the tokens cached so far and itself.
//
//   s[j] = q·k_j / √D, with SHARED_KEYS q·k_j / √(mean(k_j²) + 1e-6) / √D, the new token itself -1e5
//   out  = Σ_j exp(s[j])·v_j / Σ_j exp(s[j])          over all keys j of all rounds in one softmax
//   T = position of the new token; its key and value are in the caches already
//   sorted:  the tokens of window[r], of every round r
//   else:    tokens first … T;  first = 0 where chunkLength is 0 or T < fullBelow − 1, else max(0, (⌊T/C⌋ − before)·C)
//
//   control  [16]                 u32  position T
//   q        [B·H,D]              f32  queries of the new tokens
//   k        [B·H,capacity,D]     f32  keys; with SHARED_KEYS queries that become keys
//   v        [B·H,capacity,D]     f32
//   window   [B·H,R,C·(1 + before + after)]  u32  if SORTED: tokens around the new one in the order (decode-insert)
//   out      [B·H,D]              f32  out
//
//   Window   A window longer than T + 1 repeats tokens: a key met twice counts twice, unless COUNT_ONCE. Unless
//            ACROSS_BUCKETS, keys of another bucket than the query's in that round get -1e7. No causal mask: all cached
//            tokens are earlier.
//   Grid     one workgroup per (batch, head), in a line
//   Cost     4·D operations per key; keys pass by in tiles of 64
//   Numerics online softmax in f32, keys in window order, sums of every ⌊64·4/D⌋-th key, then of those
//   Source   cached decoding of Hugging Face's Reformer. With SHORTENED its quirk: a first token below 0 counts back
//            from T, which shortens local windows of several chunks. Needs control.
//            Oracle: test/oracle/decode-attention.ts
override HEAD_VECS: u32; // D / 4, D at most 256
override ROUNDS: u32;
override CHUNKS_BEFORE: u32;
override CHUNKS_AFTER: u32;
override SORTED: bool;
override SHARED_KEYS: bool;
override COUNT_ONCE: bool;
override ACROSS_BUCKETS: bool;
override SHORTENED: bool;

struct Params { rows: u32, capacity: u32, chunkLength: u32, fullBelow: u32 }
@group(0) @binding(0) var<uniform>             params:  Params;
@group(0) @binding(1) var<storage, read>       control: array<u32>;
@group(0) @binding(2) var<storage, read>       q:       array<vec4f>;
@group(0) @binding(3) var<storage, read>       k:       array<vec4f>;
@group(0) @binding(4) var<storage, read>       v:       array<vec4f>;
@group(0) @binding(5) var<storage, read>       window:  array<u32>;
@group(0) @binding(6) var<storage, read_write> out:     array<vec4f>;

const ABSENT_LOGIT = -1e30; // of no key at all: weight 0 beside any other
const OTHER_BUCKET = 0x80000000u; // beside a token of the window
const OTHER_BUCKET_LOGIT = -1e7;
const SELF_LOGIT = -1e5;
const NORM_EPSILON = 1e-6;  // beside the mean square

const WG = 64u;
var<workgroup> sh_query:   array<vec4f, WG>;
var<workgroup> sh_logits:  array<f32, WG>;
var<workgroup> sh_weights: array<f32, WG>;
var<workgroup> sh_tokens:  array<u32, WG>;
var<workgroup> sh_sums:    array<vec4f, WG>;
var<workgroup> sh_totals:  array<f32, WG>;

// First of the consecutive tokens that are attended to.
fn first_token(position: u32) -> u32 {
  if (params.chunkLength == 0u || position + 1u < params.fullBelow) { return 0u; }
  let first = (i32(position / params.chunkLength) - i32(CHUNKS_BEFORE)) * i32(params.chunkLength);
  if (SHORTENED && first < 0) { return u32(max(0, i32(position) + first)); }
  return u32(max(0, first));
}

fn key_count(position: u32) -> u32 {
  if (SORTED) { return ROUNDS * params.chunkLength * (1u + CHUNKS_BEFORE + CHUNKS_AFTER); }
  return position + 1u - first_token(position);
}

fn token_at(row: u32, position: u32, j: u32) -> u32 {
  if (!SORTED) { return first_token(position) + j; }
  return window[row * key_count(position) + j] & ~OTHER_BUCKET;
}

fn same_bucket(row: u32, position: u32, j: u32) -> bool {
  return ACROSS_BUCKETS || (window[row * key_count(position) + j] & OTHER_BUCKET) == 0u;
}

// How often `token` is a candidate over all rounds.
fn multiplicity(row: u32, position: u32, token: u32) -> u32 {
  var count = 0u;
  for (var j = 0u; j < key_count(position); j++) {
    count += select(0u, 1u, token_at(row, position, j) == token && same_bucket(row, position, j));
  }
  return max(1u, count);
}

fn logit_of(row: u32, position: u32, j: u32, token: u32) -> f32 {
  let at = (row * params.capacity + token) * HEAD_VECS;
  var score = 0.0;
  var squares = 0.0;
  for (var i = 0u; i < HEAD_VECS; i++) {
    score += dot(sh_query[i], k[at + i]);
    squares += dot(k[at + i], k[at + i]);
  }
  let size = f32(4u * HEAD_VECS);
  let mean = select(1.0, squares / size + NORM_EPSILON, SHARED_KEYS);
  var logit = score / sqrt(mean * size);
  if (!same_bucket(row, position, j)) { logit = OTHER_BUCKET_LOGIT; }
  if (SHARED_KEYS && token == position) { logit = SELF_LOGIT; }
  if (COUNT_ONCE) { logit -= log(f32(multiplicity(row, position, token))); }
  return logit;
}

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
        @builtin(local_invocation_index) lane: u32) {
  let row = group.x + group.y * groups.x;
  if (row >= params.rows) { return; }
  let position = control[CONTROL_POSITION];
  if (lane < HEAD_VECS) { sh_query[lane] = q[row * HEAD_VECS + lane]; }
  workgroupBarrier();

  // Each invocation sums one vec4 of the values of every `parts`-th key.
  let parts = WG / HEAD_VECS;
  let part = lane / HEAD_VECS;
  let column = lane % HEAD_VECS;
  var largest = ABSENT_LOGIT;
  var total = 0.0;
  var sum = vec4f();
  let count = key_count(position);
  for (var start = 0u; start < count; start += WG) {
    // pass 1: one logit per invocation
    let tile = min(WG, count - start);
    var token = position;
    if (lane < tile) {
      token = token_at(row, position, start + lane);
      sh_logits[lane] = logit_of(row, position, start + lane, token);
    }
    workgroupBarrier();

    // pass 2: weights against the largest logit so far
    let before = largest;
    for (var i = 0u; i < tile; i++) { largest = max(largest, sh_logits[i]); }
    if (lane < tile) {
      sh_weights[lane] = exp(sh_logits[lane] - largest);
      sh_tokens[lane] = token;
    }
    workgroupBarrier(); // also: all logits have been read

    // pass 3: weighted values
    let shrink = exp(before - largest);
    total *= shrink;
    sum *= shrink;
    for (var i = part; i < select(0u, tile, part < parts); i += parts) {
      total += sh_weights[i];
      sum += sh_weights[i] * v[(row * params.capacity + sh_tokens[i]) * HEAD_VECS + column];
    }
  }

  sh_sums[lane] = sum;
  sh_totals[lane] = total;
  workgroupBarrier();
  if (lane >= HEAD_VECS) { return; }
  for (var i = 1u; i < parts; i++) {
    sum += sh_sums[i * HEAD_VECS + lane];
    total += sh_totals[i * HEAD_VECS + lane];
  }
  out[row * HEAD_VECS + lane] = sum / total;
}
