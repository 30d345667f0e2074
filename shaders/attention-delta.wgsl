// attention-delta: what the backward pass of attention needs of every token, as a query and as a key.
//
//   rows[t] = (m, 1/l, D, scale)     D = dOut_t·out_t
//
//   q        [B,H,L,D]  f32  shared queries and keys, if SHARED_KEYS
//   keyMask  [B,L]      u32  if MASKED: 1 = the token may be seen
//   out      [B,H,L,D]  f32  of chunk-attention after its last round
//   stats    [B,H,L,2]  f32  (m, l) likewise
//   dOut     [B,H,L,D]  f32
//   rows     [B,H,L,4]  f32  out
//
//   scale    1/√D; with SHARED_KEYS (mean(q_t²) + 1e-6)^-½ / √D; 0 where the token may not be seen
//   Grid     (line of ⌈B·H·L/64⌉ in x and y), one invocation a token
//   Cost     4·D multiply-adds per token
//   Numerics f32 sums along D
//   Source   Dao et al. 2022 (D = rowsum(dO∘O), which holds under dropout too). Oracle: test/oracle/attention-delta.ts
override HEADS: u32;
override HEAD_VECS: u32; // head size / 4
override SHARED_KEYS: bool;
override MASKED: bool;

const WG = 64u;
const NORM_EPSILON = 1e-6;

struct Params {
  batch: u32,
  length: u32,
}
@group(0) @binding(0) var<uniform>             params:  Params;
@group(0) @binding(1) var<storage, read>       q:       array<vec4f>;
@group(0) @binding(2) var<storage, read>       keyMask: array<u32>;
@group(0) @binding(3) var<storage, read>       out:     array<vec4f>;
@group(0) @binding(4) var<storage, read>       stats:   array<vec2f>;
@group(0) @binding(5) var<storage, read>       dOut:    array<vec4f>;
@group(0) @binding(6) var<storage, read_write> rows:    array<vec4f>;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let row = (group.x + group.y * groups.x) * WG + lane;
  if (row >= params.batch * HEADS * params.length) { return; }
  var delta = 0.0;
  var squares = 0.0;
  for (var i = 0u; i < HEAD_VECS; i++) {
    let at = row * HEAD_VECS + i;
    delta += dot(dOut[at], out[at]);
    if (SHARED_KEYS) { squares += dot(q[at], q[at]); }
  }
  let size = f32(4u * HEAD_VECS);
  var scale = 1.0 / sqrt(size);
  if (SHARED_KEYS) { scale = 1.0 / sqrt((squares / size + NORM_EPSILON) * size); }
  let token = row % params.length;
  if (MASKED && keyMask[row / (HEADS * params.length) * params.length + token] == 0u) { scale = 0.0; }
  rows[row] = vec4f(stats[row].x, 1.0 / stats[row].y, delta, scale);
}
