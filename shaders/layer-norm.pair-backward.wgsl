// layer-norm, backward of two streams side by side: writes both streams' gradients, and partial sums for gamma and beta.
//
//   dx (+)= (g - mean_i g - x̂·mean_i(g·x̂)) / √(var + EPS)        g = dOut·gamma, x̂ = (x - mean)/√(var + EPS)
//   dGammaParts[p,i] = Σ dOut[t,i]·x̂[t,i], dBetaParts[p,i] = Σ dOut[t,i] over the rows t of part p
//
//   x1, x2       [rows, SIZE]  i32  residual streams, x = [x1 | x2], D = 2·SIZE
//   gamma        [D]           f32
//   dOut         [rows, D]     f32
//   dx1, dx2     [rows, SIZE]  f32  overwritten
//   d…Parts      [parts, D]    f32
//
//   Grid      ⌈rows/ROWS_PER_PART⌉ workgroups in a line, LANES invocations for each of GROUP_ROWS rows at a time
//   Cost      20·rows·D operations
//   Numerics  f32; rows: as in layer-norm.wgsl; parts: row by row. Body: shared/layer-norm-backward.wgsl
//   Source    the derivative of layer-norm.wgsl. Oracle: test/oracle/layer-norm.ts

@group(0) @binding(0) var<uniform>             params:      Params;
@group(0) @binding(1) var<storage, read>       x1:          array<i32>;
@group(0) @binding(2) var<storage, read>       x2:          array<i32>;
@group(0) @binding(3) var<storage, read>       gamma:       array<f32>;
@group(0) @binding(4) var<storage, read>       dOut:        array<f32>;
@group(0) @binding(5) var<storage, read_write> dx1:         array<f32>;
@group(0) @binding(6) var<storage, read_write> dx2:         array<f32>;
@group(0) @binding(7) var<storage, read_write> dGammaParts: array<f32>;
@group(0) @binding(8) var<storage, read_write> dBetaParts:  array<f32>;

fn word_at(row: u32, column: u32) -> i32 {
  if (column >= SIZE) { return x2[row * SIZE + column - SIZE]; }
  return x1[row * SIZE + column];
}

fn put_dx(row: u32, column: u32, value: f32) {
  if (column >= SIZE) {
    dx2[row * SIZE + column - SIZE] = value;
  } else {
    dx1[row * SIZE + column] = value;
  }
}

@compute @workgroup_size(GROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let part = group.x + group.y * groups.x;
  if (part * ROWS_PER_PART >= params.rows) { return; }
  backward(part, lane);
}
