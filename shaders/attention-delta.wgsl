// attention-delta: what the backward pass of attention needs of every token, as a query and as a key.
//
//   rows[t] = (m, 1/l, D, scale)     D = dOut_t·out_t
//
//   scale  [B,H,L]    f32  of each token as a key (key-scale)
//   out    [B,H,L,D]  f32  of chunk-attention after its last round
//   stats  [B,H,L,2]  f32  (m, l) likewise
//   dOut   [B,H,L,D]  f32
//   rows   [B,H,L,4]  f32  out
//
//   Grid     (line of ⌈B·H·L/64⌉ in x and y), one invocation a token
//   Cost     2·D operations per token
//   Numerics f32 sums along D
//   Source   Dao et al. 2022 (D = rowsum(dO∘O), which holds under dropout too). Oracle: test/oracle/attention-delta.ts
override HEAD_VECS: u32; // head size / 4

const WG = 64u;

struct Params {
  batch: u32,
  heads: u32,
  length: u32,
}
@group(0) @binding(0) var<uniform>             params: Params;
@group(0) @binding(1) var<storage, read>       scale:  array<f32>;
@group(0) @binding(2) var<storage, read>       out:    array<vec4f>;
@group(0) @binding(3) var<storage, read>       stats:  array<vec2f>;
@group(0) @binding(4) var<storage, read>       dOut:   array<vec4f>;
@group(0) @binding(5) var<storage, read_write> rows:   array<vec4f>;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let row = (group.x + group.y * groups.x) * WG + lane;
  if (row >= params.batch * params.heads * params.length) { return; }
  var delta = 0.0;
  for (var i = row * HEAD_VECS; i < (row + 1u) * HEAD_VECS; i++) { delta += dot(dOut[i], out[i]); }
  rows[row] = vec4f(stats[row].x, 1.0 / stats[row].y, delta, scale[row]);
}
