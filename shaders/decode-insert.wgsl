// decode-insert: put a new token into the order of its bucket, as a stable sort of all tokens so far would.
//
//   T       = position of the new token, of bucket b = newIds[r]
//   ranks[r] = #{t < T: ids[r,t] ≤ b}           the new token stands behind all of its own bucket
//   order[r, ranks[r]+1 … T] = order[r, ranks[r] … T−1];  order[r, ranks[r]] = T;  ids[r,T] = b
//
//   control  [16]          u32  position T, below the capacity
//   newIds   [R]           u32  R counts (batch, head, round)
//   ids      [R,capacity]  u32  bucket of every token; 0 … T−1 are read, T is written
//   order    [R,capacity]  u32  tokens by ascending bucket, then position; in and out, T entries before and T + 1 after
//   ranks    [R]           u32  out
//
//   Grid    one workgroup per row, in a line
//   Cost    reads T ids, moves at most T entries
//   Numerics  integers; the result does not depend on timing
//   Source  insertion into a sorted list; window rule of cached decoding as in Hugging Face. Needs control.
//           Oracle: test/oracle/decode-insert.ts
struct Params { rows: u32, capacity: u32 }
@group(0) @binding(0) var<uniform>             params:  Params;
@group(0) @binding(1) var<storage, read>       control: array<u32>;
@group(0) @binding(2) var<storage, read>       newIds:  array<u32>;
@group(0) @binding(3) var<storage, read_write> ids:     array<u32>;
@group(0) @binding(4) var<storage, read_write> order:   array<u32>;
@group(0) @binding(5) var<storage, read_write> ranks:   array<u32>;

const WG = 256u;
var<workgroup> sh_rank: atomic<u32>; // an integer sum: any order of addition gives the same
var<workgroup> sh_uniform_rank: u32;

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
        @builtin(local_invocation_index) lane: u32) {
  let row = group.x + group.y * groups.x;
  if (row >= params.rows) { return; }
  let position = control[CONTROL_POSITION];
  let bucket = newIds[row];
  let base = row * params.capacity;

  var before = 0u;
  for (var t = lane; t < position; t += WG) { before += select(0u, 1u, ids[base + t] <= bucket); }
  atomicAdd(&sh_rank, before);
  workgroupBarrier();
  if (lane == 0u) { sh_uniform_rank = atomicLoad(&sh_rank); }
  let rank = workgroupUniformLoad(&sh_uniform_rank);

  // The last WG entries move first; each step writes only slots that have been read.
  var end = position;
  while (end > rank) {
    let first = max(rank, max(end, WG) - WG);
    let slot = first + lane;
    var token = 0u;
    if (slot < end) { token = order[base + slot]; }
    storageBarrier();
    if (slot < end) { order[base + slot + 1u] = token; }
    end = first;
  }
  if (lane == 0u) {
    // The slot was read by lane 0 in the last step: no other lane touches it.
    order[base + rank] = position;
    ids[base + position] = bucket;
    ranks[row] = rank;
  }
}
