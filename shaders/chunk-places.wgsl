// chunk-places: the order of tokens, with the chunk and the bucket of every token beside it.
//
//   places[0][slot] = order[slot]    places[1][token] = r·L/C + ⌊slot/C⌋    places[2][token] = r·N + bucket
//
//   order     [B,H,R,L]   u32  token at each slot of a round
//   bucketIds [B,H,R,L]   u32  bucket of each token in a round, below N
//   places    [3,B,H,R,L] u32  out
//
//   Grid     (line of ⌈B·H·R·L/64⌉ in x and y), one invocation a slot
//   Cost     5 words moved per slot
//   Numerics integers below 2^32
//   Source   counts for the multiplicity in Kitaev et al. 2020 §2. Oracle: test/oracle/chunk-places.ts
override ROUNDS: u32;

const WG = 64u;

struct Params {
  batch: u32,
  heads: u32,
  length: u32,
  chunkLength: u32,
  buckets: u32,
}
@group(0) @binding(0) var<uniform>             params:    Params;
@group(0) @binding(1) var<storage, read>       order:     array<u32>;
@group(0) @binding(2) var<storage, read>       bucketIds: array<u32>;
@group(0) @binding(3) var<storage, read_write> places:    array<u32>;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let plane = params.batch * params.heads * ROUNDS * params.length;
  let at = (group.x + group.y * groups.x) * WG + lane;
  if (at >= plane) { return; }
  let segment = at / params.length;
  let round = segment % ROUNDS;
  let token = order[at];
  let at_token = segment * params.length + token;
  places[at] = token;
  places[plane + at_token] = round * (params.length / params.chunkLength) + at % params.length / params.chunkLength;
  places[2u * plane + at_token] = round * params.buckets + bucketIds[at_token];
}
