// sequence-join: an encoded source and an embedded target as one sequence, and the way back. The target follows the last
// real token of its source: padding of the source has no place in the joined sequence.
//
//   join   joined[b,t] = source[b,t]                t < sources[b]
//                        targets[b, t − sources[b]]  t − sources[b] < T
//                        0                          after both
//   split  part[b,i] = dx1[b,t] + dx2[b,t]          where the slab holds row t of the joined sequence, and where
//          AFTER: t = sources[b] + i, t < L; else t = i, t < sources[b]
//
//   sources  [B]       u32  real tokens of every source; they come first
//   source   [B,S,E]   f32
//   targets  [B,T,E]   i32  stream words
//   joined   [rows,E]  i32  out, stream words of rows rowOffset … of [B,L]: a slab
//   dx1,dx2  [rows,E]  f32  gradients of both streams, a slab
//   part     [B,P,E]   f32  out, P = T if AFTER, else S; other elements stay as they are
//
//   Grid      ⌈elements of the output/256⌉ workgroups in a line, one invocation each
//   Cost      8 or 12 bytes per element
//   Numerics  f32; in fixed point the source is rounded once, half to even
//   Source    trax ConfigurableTerraformer. Prepended: stream. Oracle: test/oracle/sequence-join.ts
override SIZE: u32;  // E
override AFTER: bool;

struct Params { rows: u32, rowOffset: u32, length: u32, batch: u32, sourceLength: u32, targetLength: u32 }
@group(0) @binding(0) var<uniform>             params:  Params;
@group(0) @binding(1) var<storage, read>       sources: array<u32>;
@group(0) @binding(2) var<storage, read>       source:  array<f32>;
@group(0) @binding(3) var<storage, read>       targets: array<i32>;
@group(0) @binding(4) var<storage, read_write> joined:  array<i32>;

@group(0) @binding(2) var<storage, read>       dx1:     array<f32>;
@group(0) @binding(3) var<storage, read>       dx2:     array<f32>;
@group(0) @binding(4) var<storage, read_write> part:    array<f32>;

@compute @workgroup_size(256)
fn join(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.x + group.y * groups.x) * 256u + lane;
  if (i >= params.rows * SIZE) { return; }
  let column = i % SIZE;
  let row = params.rowOffset + i / SIZE;
  let sequence = row / params.length;
  let t = row % params.length;
  let first = sources[sequence];
  var word = 0;
  if (t < first) {
    word = stream_word(source[(sequence * params.sourceLength + t) * SIZE + column]);
  } else if (t - first < params.targetLength) {
    word = targets[(sequence * params.targetLength + t - first) * SIZE + column];
  }
  joined[i] = word;
}

// Tokens of the part, P.
fn part_length() -> u32 {
  return select(params.sourceLength, params.targetLength, AFTER);
}

@compute @workgroup_size(256)
fn split(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.x + group.y * groups.x) * 256u + lane;
  if (i >= params.batch * part_length() * SIZE) { return; }
  let place = i / SIZE;
  let sequence = place / part_length();
  let count = sources[sequence];
  let t = place % part_length() + select(0u, count, AFTER);
  if (t >= select(count, params.length, AFTER)) { return; }
  let row = sequence * params.length + t;
  if (row < params.rowOffset || row - params.rowOffset >= params.rows) { return; }
  let at = (row - params.rowOffset) * SIZE + i % SIZE;
  part[i] = dx1[at] + dx2[at];
}
