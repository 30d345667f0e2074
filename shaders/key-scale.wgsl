// key-scale: the factor that turns every token's vector into an attention key.
//
//   scale[t] = 1/√D    with SHARED_KEYS (mean(k_t²) + 1e-6)^-½ / √D    0 where the token may not be seen
//
//   k        [B,H,L,D]  f32  shared queries and keys, if SHARED_KEYS; halves with shared/heads-half.wgsl, else heads-f32.wgsl
//   keyMask  [B,L]      u32  if MASKED: 1 = the token may be seen
//   scale    [B,H,L]    f32  out
//
//   Grid     (line of ⌈B·H·L/64⌉ in x and y), one invocation a token
//   Cost     D multiply-adds per token
//   Numerics f32 sums along D
//   Needs    shared/key-scale.wgsl
//   Source   norm of shared keys as in Hugging Face. Oracle: test/oracle/key-scale.ts
override HEADS: u32;
override HEAD_VECS: u32; // head size / 4
override SHARED_KEYS: bool;
override MASKED: bool;

const WG = 64u;

struct Params {
  batch: u32,
  length: u32,
}
@group(0) @binding(0) var<uniform>             params:  Params;
@group(0) @binding(1) var<storage, read>       k:       array<Vector>;
@group(0) @binding(2) var<storage, read>       keyMask: array<u32>;
@group(0) @binding(3) var<storage, read_write> scale:   array<f32>;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let row = (group.x + group.y * groups.x) * WG + lane;
  if (row >= params.batch * HEADS * params.length) { return; }
  let size = f32(4u * HEAD_VECS);
  var factor = 1.0 / sqrt(size);
  if (SHARED_KEYS) {
    var squares = 0.0;
    for (var i = 0u; i < HEAD_VECS; i++) {
      let x = numbers_of(k[row * HEAD_VECS + i]);
      squares += dot(x, x);
    }
    factor = key_scale(squares, size);
  }
  let kept = !MASKED || keyMask[row / (HEADS * params.length) * params.length + row % params.length] != 0u;
  scale[row] = select(0.0, factor, kept);
}
