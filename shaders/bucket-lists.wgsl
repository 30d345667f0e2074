// bucket-lists: the bucket lists of tokens that a stable sort has put in order, as cached decoding goes on with them.
//
//   list of bucket b = the order's tokens t with ids[r,t] = b, as they come; tokens of ids ≥ buckets (padding) are in none
//
//   ids     [R,T]       u32  bucket of every token; R counts (batch, head, round)
//   order   [R,T]       u32  tokens by ascending bucket, then position (bucket-sort)
//   lists   [R, …]      u32  out: shared/bucket-lists.wgsl
//
//   Grid    one workgroup per row, in a line; every invocation fills an equal share of the buckets
//   Cost    reads T ids and T order entries twice, writes T slots
//   Numerics  integers; blocks are dealt out by prefix sums, so the result does not depend on timing
//   Source  unrolled linked lists. Needs shared/bucket-lists. Oracle: test/oracle/bucket-lists.ts
struct Params { rows: u32, length: u32, buckets: u32, blocks: u32 }
@group(0) @binding(0) var<uniform>             params: Params;
@group(0) @binding(1) var<storage, read>       ids:    array<u32>;
@group(0) @binding(2) var<storage, read>       order:  array<u32>;
@group(0) @binding(3) var<storage, read_write> lists:  array<u32>;

const WG = 128u;
var<workgroup> sh_blocks: array<u32, WG>; // blocks of every share; then of all before it

fn bucket_of(row: u32, slot: u32) -> u32 {
  let base = row * params.length;
  return ids[base + order[base + slot]];
}

// First slot of a token of this bucket or a later one.
fn first_slot(row: u32, bucket: u32) -> u32 {
  var low = 0u;
  var high = params.length;
  while (low < high) {
    let middle = (low + high) / 2u;
    if (bucket_of(row, middle) < bucket) { low = middle + 1u; } else { high = middle; }
  }
  return low;
}

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
        @builtin(local_invocation_index) lane: u32) {
  let row = group.x + group.y * groups.x;
  if (row >= params.rows) { return; }
  let base = row_of_lists(row);
  let share = (params.buckets + WG - 1u) / WG;
  let first = min(lane * share, params.buckets);
  let after = min(first + share, params.buckets);
  let begin = first_slot(row, first);
  let end = first_slot(row, after);

  // pass 1: blocks that the share needs
  for (var bucket = first; bucket < after; bucket++) { lists[tokens_at(base, bucket)] = 0u; }
  var needed = 0u;
  var run = 0u;
  var previous = params.buckets;
  for (var slot = begin; slot < end; slot++) {
    let bucket = bucket_of(row, slot);
    run = select(0u, run + 1u, bucket == previous);
    needed += select(0u, 1u, run % BLOCK == 0u);
    previous = bucket;
  }
  sh_blocks[lane] = needed;
  workgroupBarrier();
  if (lane == 0u) {
    var before = 0u;
    for (var i = 0u; i < WG; i++) {
      let blocks = sh_blocks[i];
      sh_blocks[i] = before;
      before += blocks;
    }
    lists[used_at(base)] = before;
  }
  workgroupBarrier();

  // pass 2: its tokens
  var free = sh_blocks[lane];
  for (var slot = begin; slot < end; slot++) {
    free += add_token(base, bucket_of(row, slot), order[row * params.length + slot], free);
  }
}
