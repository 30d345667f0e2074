// decode-insert: put a new token into the list of its bucket, and find the window of the sorted order around it.
//
//   T          = position of the new token, of bucket b = newIds[r]
//   order      = tokens 0 … T by ascending bucket, then position: the lists, one after the other
//   rank       = slot of T in it: behind all others of its bucket
//   window[r, j] = order[(⌊rank / C⌋ − before)·C + j modulo T + 1], plus OTHER_BUCKET where its bucket is not b
//
//   control  [16]    u32  position T
//   newIds   [R]     u32  R counts (batch, head, round)
//   lists    [R, …]  u32  tokens 0 … T − 1 by bucket (shared/bucket-lists.wgsl); in and out
//   window   [R, C·(1 + before + after)]  u32  out
//
//   Grid    one workgroup per row, in a line
//   Cost    reads the sizes of all buckets, and of each slot of the window at most ⌈window / BLOCK⌉ links of its bucket
//   Numerics  integers; the result does not depend on timing
//   Source  unrolled linked lists; window rule of cached decoding as in Hugging Face. Needs control, shared/bucket-lists.
//           Oracle: test/oracle/decode-insert.ts
override CHUNKS_BEFORE: u32;
override CHUNKS_AFTER: u32;

struct Params { rows: u32, buckets: u32, blocks: u32, chunkLength: u32 }
@group(0) @binding(0) var<uniform>             params:  Params;
@group(0) @binding(1) var<storage, read>       control: array<u32>;
@group(0) @binding(2) var<storage, read>       newIds:  array<u32>;
@group(0) @binding(3) var<storage, read_write> lists:   array<u32>;
@group(0) @binding(4) var<storage, read_write> window:  array<u32>;

const OTHER_BUCKET = 0x80000000u;

const WG = 64u; // a power of two
var<workgroup> sh_before: array<u32, WG>; // tokens in the buckets of all shares before
var<workgroup> sh_rank: u32;

// Tokens in buckets [first, after).
fn tokens_in(base: u32, first: u32, after: u32) -> u32 {
  var tokens = 0u;
  for (var bucket = first; bucket < min(after, params.buckets); bucket++) { tokens += lists[tokens_at(base, bucket)]; }
  return tokens;
}

// The i-th token of a bucket; from the end of its list that is nearer.
fn token_of(base: u32, bucket: u32, i: u32) -> u32 {
  let wanted = i / BLOCK;
  let tokens = lists[tokens_at(base, bucket)];
  let last = (tokens - 1u) / BLOCK;
  var found: u32;
  if (wanted <= last / 2u) {
    found = lists[first_at(base, bucket)];
    for (var n = 0u; n < wanted; n++) { found = lists[next_at(base, found)]; }
  } else {
    found = lists[last_at(base, bucket)];
    for (var n = last; n > wanted; n--) { found = lists[previous_at(base, found)]; }
  }
  return lists[slots_at(base, found) + i % BLOCK];
}

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
        @builtin(local_invocation_index) lane: u32) {
  let row = group.x + group.y * groups.x;
  if (row >= params.rows) { return; }
  let base = row_of_lists(row);
  let position = control[CONTROL_POSITION];
  let bucket = newIds[row];
  if (lane == 0u) {
    let free = lists[used_at(base)];
    lists[used_at(base)] = free + add_token(base, bucket, position, free);
  }
  storageBarrier();

  // Every invocation counts an equal share of the buckets.
  let share = (params.buckets + WG - 1u) / WG;
  sh_before[lane] = tokens_in(base, lane * share, (lane + 1u) * share);
  workgroupBarrier();
  if (lane == 0u) {
    var before = 0u;
    for (var i = 0u; i < WG; i++) {
      let tokens = sh_before[i];
      sh_before[i] = before;
      before += tokens;
    }
    let owner = bucket / share;
    sh_rank = sh_before[owner] + tokens_in(base, owner * share, bucket + 1u) - 1u;
  }
  workgroupBarrier();

  let tokens = i32(position) + 1;
  let chunk = i32(sh_rank / params.chunkLength) - i32(CHUNKS_BEFORE);
  let start = chunk * i32(params.chunkLength) % tokens;
  let begin = u32(select(start, start + tokens, start < 0));
  let length = params.chunkLength * (1u + CHUNKS_BEFORE + CHUNKS_AFTER);
  for (var j = lane; j < length; j += WG) {
    let slot = (begin + j) % (position + 1u);
    var owner = 0u;
    for (var step = WG / 2u; step > 0u; step /= 2u) {
      if (sh_before[owner + step] <= slot) { owner += step; }
    }
    var met = owner * share;
    var i = slot - sh_before[owner];
    while (i >= lists[tokens_at(base, met)]) {
      i -= lists[tokens_at(base, met)];
      met++;
    }
    window[row * length + j] = token_of(base, met, i) | select(0u, OTHER_BUCKET, met != bucket);
  }
}
