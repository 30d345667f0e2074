// decode-insert: put new tokens into the lists of their buckets, and find the window of the sorted order around the last one.
//
//   T          = position of the last new token, of bucket b = newIds[r, count − 1]
//   order      = tokens 0 … T by ascending bucket, then position: the lists, one after the other
//   rank       = slot of T in it: behind all others of its bucket
//   window[r, j] = order[(⌊rank / C⌋ − before)·C + j modulo T + 1], plus OTHER_BUCKET where its bucket is not b
//
//   control  [16]       u32  position T, if AT_POSITION; else T = count − 1, and there is no window
//   newIds   [R,count]  u32  R counts (batch, head, round); ids ≥ buckets are padding behind all tokens and in no list
//   lists    [R,1 + 3·buckets + (2 + BLOCK)·blocks]  u32  in and out, all 0 before the first token:
//            blocks in use | by bucket: first block | last block | tokens | by block: previous block | next block | slots
//   window   [R,C·(1 + before + after)]  u32  out
//
//   Lists     each bucket's tokens in order of position, in blocks of BLOCK slots that are linked both ways
//   Grid      one workgroup per row, in a line; every invocation has an equal share of the buckets
//   Cost      reads the sizes of all buckets, and of each slot of the window at most ⌈window / BLOCK⌉ links of its bucket:
//             nothing that grows with T. A prompt is read by every invocation, one token after the other
//   Numerics  integers; which block a bucket gets may depend on timing, the order and the window do not
//   Source    unrolled linked lists; window rule of cached decoding as in Hugging Face. Needs control.
//             Oracle: test/oracle/decode-insert.ts
override AT_POSITION: bool;
override CHUNKS_BEFORE: u32;
override CHUNKS_AFTER: u32;

struct Params { rows: u32, count: u32, buckets: u32, blocks: u32, chunkLength: u32 }
@group(0) @binding(0) var<uniform>             params:  Params;
@group(0) @binding(1) var<storage, read>       control: array<u32>;
@group(0) @binding(2) var<storage, read>       newIds:  array<u32>;
@group(0) @binding(3) var<storage, read_write> lists:   array<u32>;
@group(0) @binding(4) var<storage, read_write> window:  array<u32>;

const BLOCK = 16u;
const OTHER_BUCKET = 0x80000000u;

const WG = 64u; // a power of two
var<workgroup> sh_used: atomic<u32>;          // blocks in use
var<workgroup> sh_before: array<u32, WG>;     // tokens in the buckets of all shares before
var<workgroup> sh_rank: u32;

fn first_at(base: u32, bucket: u32) -> u32 { return base + 1u + bucket; }
fn last_at(base: u32, bucket: u32) -> u32 { return first_at(base, params.buckets + bucket); }
fn tokens_at(base: u32, bucket: u32) -> u32 { return last_at(base, params.buckets + bucket); }
fn previous_at(base: u32, id: u32) -> u32 { return tokens_at(base, params.buckets + id); }
fn next_at(base: u32, id: u32) -> u32 { return previous_at(base, params.blocks + id); }
fn slots_at(base: u32, id: u32) -> u32 { return next_at(base, params.blocks + BLOCK * id); }

// Puts a token behind the others of its bucket.
fn add_token(base: u32, bucket: u32, token: u32) {
  let tokens = lists[tokens_at(base, bucket)];
  var tail = lists[last_at(base, bucket)];
  if (tokens % BLOCK == 0u) {
    let free = atomicAdd(&sh_used, 1u);
    if (tokens == 0u) {
      lists[first_at(base, bucket)] = free;
    } else {
      lists[next_at(base, tail)] = free;
      lists[previous_at(base, free)] = tail;
    }
    lists[last_at(base, bucket)] = free;
    tail = free;
  }
  lists[slots_at(base, tail) + tokens % BLOCK] = token;
  lists[tokens_at(base, bucket)] = tokens + 1u;
}

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
  let base = row * (1u + 3u * params.buckets + (2u + BLOCK) * params.blocks);
  let share = (params.buckets + WG - 1u) / WG;
  let position = select(params.count - 1u, control[CONTROL_POSITION], AT_POSITION);
  if (lane == 0u) { atomicStore(&sh_used, lists[base]); }
  workgroupBarrier();
  for (var i = 0u; i < params.count; i++) {
    let bucket = newIds[row * params.count + i];
    if (bucket < params.buckets && bucket / share == lane) { add_token(base, bucket, position + 1u - params.count + i); }
  }
  storageBarrier();
  workgroupBarrier();
  if (lane == 0u) { lists[base] = atomicLoad(&sh_used); }
  if (!AT_POSITION) { return; }

  let bucket = newIds[(row + 1u) * params.count - 1u];
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
    while (met + 1u < params.buckets && i >= lists[tokens_at(base, met)]) {
      i -= lists[tokens_at(base, met)];
      met++;
    }
    window[row * length + j] = token_of(base, met, i) | select(0u, OTHER_BUCKET, met != bucket);
  }
}
