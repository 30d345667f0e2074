// stream: residual streams from and to f32, the mean of two, and f32 addition.
//
//   from_f32   stream[i] = word of x[i]
//   to_f32     out[i] = value of words[i]
//   average    mean[i] = word of (value of words[i] + value of others[i]) / 2
//   add        out[i] += x[i]
//   halve      values[i] /= 2
//
//   x, out, values               [count]  f32
//   words, others, stream, mean  [count]  i32  shared/stream.wgsl
//
//   Grid      ⌈count/256⌉ workgroups in a line, one invocation per element
//   Cost      8 or 12 bytes per element
//   Numerics  to fixed point: rounded to the nearest 2^-16, ties to even
//   Oracle    test/oracle/stream.ts
struct Params { count: u32 }
@group(0) @binding(0) var<uniform>             params: Params;
@group(0) @binding(1) var<storage, read>       x:      array<f32>;
@group(0) @binding(1) var<storage, read>       words:  array<i32>;
@group(0) @binding(1) var<storage, read_write> values: array<f32>;
@group(0) @binding(2) var<storage, read_write> out:    array<f32>;
@group(0) @binding(2) var<storage, read_write> stream: array<i32>;
@group(0) @binding(2) var<storage, read>       others: array<i32>;
@group(0) @binding(3) var<storage, read_write> mean:   array<i32>;

@compute @workgroup_size(256)
fn from_f32(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.x + group.y * groups.x) * 256u + lane;
  if (i < params.count) { stream[i] = stream_word(x[i]); }
}

@compute @workgroup_size(256)
fn to_f32(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.x + group.y * groups.x) * 256u + lane;
  if (i < params.count) { out[i] = stream_value(words[i]); }
}

@compute @workgroup_size(256)
fn add(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.x + group.y * groups.x) * 256u + lane;
  if (i < params.count) { out[i] += x[i]; }
}

@compute @workgroup_size(256)
fn average(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.x + group.y * groups.x) * 256u + lane;
  if (i < params.count) { mean[i] = stream_word(0.5 * (stream_value(words[i]) + stream_value(others[i]))); }
}

@compute @workgroup_size(256)
fn halve(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.x + group.y * groups.x) * 256u + lane;
  if (i < params.count) { values[i] *= 0.5; }
}
