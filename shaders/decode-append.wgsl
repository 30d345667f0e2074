// decode-append: copy the rows of a forward pass into two caches that hold a whole generation.
//
//   cache[r, first + t, :] = rows[r, t, :]   first = position of the new token, or 0;  t < length, first + t < capacity
//
//   control      [16]                  u32  position, if AT_POSITION
//   rows         [R,length,WIDTH]      u32  any 4-byte words; R counts (batch, head) or (batch, head, round)
//   otherRows    [R,length,WIDTH]      u32
//   cache        [R,capacity,WIDTH]    u32  in and out, the rest stays
//   otherCache   [R,capacity,WIDTH]    u32
//
//   Grid    ⌈R·length·WIDTH / 256⌉ in a line, one invocation per word
//   Cost    2 reads and 2 writes of 4 bytes per word
//   Numerics  bits are copied
//   Source  a cache of keys and values. Needs control. Oracle: test/oracle/decode-append.ts
override WIDTH: u32;
override AT_POSITION: bool;

struct Params { rows: u32, length: u32, capacity: u32 }
@group(0) @binding(0) var<uniform>             params:     Params;
@group(0) @binding(1) var<storage, read>       control:    array<u32>;
@group(0) @binding(2) var<storage, read>       rows:       array<u32>;
@group(0) @binding(3) var<storage, read>       otherRows:  array<u32>;
@group(0) @binding(4) var<storage, read_write> cache:      array<u32>;
@group(0) @binding(5) var<storage, read_write> otherCache: array<u32>;

const GROUP = 256u;

@compute @workgroup_size(GROUP)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
        @builtin(local_invocation_index) lane: u32) {
  let i = (group.x + group.y * groups.x) * GROUP + lane;
  if (i >= params.rows * params.length * WIDTH) { return; }
  let first = select(0u, control[CONTROL_POSITION], AT_POSITION);
  let slot = first + i / WIDTH % params.length;
  if (slot >= params.capacity) { return; }
  let to = (i / (params.length * WIDTH) * params.capacity + slot) * WIDTH + i % WIDTH;
  cache[to] = rows[i];
  otherCache[to] = otherRows[i];
}
