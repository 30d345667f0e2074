// rotations.signs: draw the sign flips that one layer rotates with before it hashes.
//
//   signs[i] = first word of threefry(key, (i, 0)),  key = threefry(seed, (draw, 2^31 + layer))
//
//   control  [16]                  u32  seed and draw (shared/control.wgsl)
//   signs    [H,R,rotations,3,W]   u32  out, 32 flips a word; W words for each diagonal
//
//   Grid    ⌈H·R·rotations·3·W / 64⌉ in a line, one invocation per word
//   Cost    about 80 integer operations and one store per word
//   Numerics  integers: equal (seed, draw, layer) give equal bits on every device
//   Source  Salmon et al. 2011. Prepended: threefry, control. Oracle: test/oracle/rotations.ts
struct Params { layer: u32 }
@group(0) @binding(0) var<uniform>             params:  Params;
@group(0) @binding(1) var<storage, read>       control: array<u32>;
@group(0) @binding(2) var<storage, read_write> signs:   array<u32>;

const GROUP = 64u;
const SITE = 0x80000000u; // that of the rotations, in whose place the signs are drawn

@compute @workgroup_size(GROUP)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
        @builtin(local_invocation_index) lane: u32) {
  let i = (group.x + group.y * groups.x) * GROUP + lane;
  if (i >= arrayLength(&signs)) { return; }
  let seed = vec2u(control[CONTROL_SEED], control[CONTROL_SEED + 1u]);
  let key = threefry2x32(seed, vec2u(control[CONTROL_DRAW], SITE + params.layer));
  signs[i] = threefry2x32(key, vec2u(i, 0u)).x;
}
