// rotations: draw the random directions that one layer hashes with.
//
//   rotations[i] = normal(threefry(key, (i, 0))),  key = threefry(seed, (draw, 2^31 + layer))
//
//   control    [16]        u32  seed and draw (shared/control.wgsl)
//   rotations  [H,D,R,S]   f32  out, standard normal; S = half the sum of the bucket factors
//
//   Grid    ⌈H·D·R·S / 64⌉ in a line, one invocation per element
//   Cost    about 100 integer operations and one store per element
//   Numerics  equal (seed, draw, layer) give equal bits on one device; log and cos may differ between devices
//   Source  Salmon et al. 2011, Box and Muller 1958. Prepended: threefry, control. Oracle: test/oracle/rotations.ts
struct Params { layer: u32 }
@group(0) @binding(0) var<uniform>             params:    Params;
@group(0) @binding(1) var<storage, read>       control:   array<u32>;
@group(0) @binding(2) var<storage, read_write> rotations: array<f32>;

const GROUP = 64u;
const SITE = 0x80000000u; // apart from the sites of dropout

@compute @workgroup_size(GROUP)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
        @builtin(local_invocation_index) lane: u32) {
  let i = (group.x + group.y * groups.x) * GROUP + lane;
  if (i >= arrayLength(&rotations)) { return; }
  let seed = vec2u(control[CONTROL_SEED], control[CONTROL_SEED + 1u]);
  let key = threefry2x32(seed, vec2u(control[CONTROL_DRAW], SITE + params.layer));
  rotations[i] = normal_pair(threefry2x32(key, vec2u(i, 0u))).x;
}
