// activation: the feed-forward's function after its dropout, and the derivative of both.
//
//   main       out[t,i] = f(mask[t,i]·x[t,i])
//   backward   dx[t,i]  = dOut[t,i]·f'(mask[t,i]·x[t,i])·mask[t,i]
//
//   x, out, dOut, dx  [rows, columns]      f32
//   keep              [keepRows, columns]  u32  0 or 1, if DROPOUT = 2; row rowOffset + t
//   control           [16]                 u32  if DROPOUT = 1: shared/control.wgsl
//
//   Grid      ⌈rows·columns/256⌉ workgroups in a line, one invocation per element
//   Cost      about 10 operations per element
//   Numerics  f32; shared/activation.wgsl
//   Source    HF modeling_reformer (dense, dropout, activation). Oracle: test/oracle/activation.ts
override ACTIVATION: u32;

struct Params { rows: u32, columns: u32, rowOffset: u32, site: u32, dropoutRate: f32 }
@group(0) @binding(0) var<uniform>             params:  Params;
@group(0) @binding(1) var<storage, read>       x:       array<f32>;
@group(0) @binding(2) var<storage, read>       keep:    array<u32>;
@group(0) @binding(3) var<storage, read>       control: array<u32>;
@group(0) @binding(4) var<storage, read_write> out:     array<f32>;
@group(0) @binding(4) var<storage, read>       dOut:    array<f32>;
@group(0) @binding(5) var<storage, read_write> dx:      array<f32>;

fn factor_at(i: u32) -> f32 {
  return mask_factor(mask_key(), params.rowOffset + i / params.columns, i % params.columns, params.columns);
}

@compute @workgroup_size(256)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.x + group.y * groups.x) * 256u + lane;
  if (i >= params.rows * params.columns) { return; }
  out[i] = activation(ACTIVATION, x[i] * factor_at(i));
}

@compute @workgroup_size(256)
fn backward(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.x + group.y * groups.x) * 256u + lane;
  if (i >= params.rows * params.columns) { return; }
  let factor = factor_at(i);
  dx[i] = dOut[i] * activation_gradient(ACTIVATION, x[i] * factor) * factor;
}
