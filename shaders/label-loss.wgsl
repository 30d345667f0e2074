// label-loss: loss of rows of logits against numbers, and weights of rows.
//
//   main    loss[r]     = 1/C Σ_j l(z_j, y_j)                        z = logits[r,:], y = targets[r,:]
//           logits[r,j] ← LOSS_SCALE·2^LOSS_EXPONENT/C · ∂l/∂z_j      where GRADIENT
//           KIND 0      l = max(z, 0) − z·y + ln(1 + e^−|z|)         ∂l/∂z = sigmoid(z) − y     (multi-label)
//           KIND 1      l = (z − y)²                                 ∂l/∂z = 2(z − y)           (regression)
//   weigh   values[r,j] ← weights[r] · values[r,j]                   of losses (C = 1) or gradients
//
//   logits   [rows,C]  f32  read_write; unchanged unless GRADIENT
//   targets  [rows,C]  f32
//   control  [16]      u32  shared/control.wgsl; LOSS_SCALE, LOSS_EXPONENT
//   losses   [rows]    f32  not scaled
//   values   [rows,C]  f32  read_write
//   weights  [rows]    f32
//
//   Grid      main: ⌈rows/64⌉ workgroups, one invocation per row (rows are texts: there are few); weigh: ⌈rows·C/256⌉ in a line
//   Cost      main: reads logits and targets once, writes logits once
//   Numerics  f32; exponents are never positive; fixed order of summation
//   Source    binary cross-entropy with logits and mean squared error as in torch. Oracle: test/oracle/label-loss.ts
//   Needs     shared/control.wgsl, shared/activation.wgsl
override COLUMNS: u32; // C
override KIND: u32;
override GRADIENT: bool;

const MULTI_LABEL = 0u;

struct Params { rows: u32 }
@group(0) @binding(0) var<uniform>             params:  Params;
@group(0) @binding(1) var<storage, read_write> logits:  array<f32>;
@group(0) @binding(2) var<storage, read>       targets: array<f32>;
@group(0) @binding(3) var<storage, read>       control: array<u32>;
@group(0) @binding(4) var<storage, read_write> losses:  array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let row = id.x;
  if (row >= params.rows) { return; }
  let scale = gradient_scale(control[CONTROL_LOSS_SCALE], control[CONTROL_LOSS_EXPONENT]) / f32(COLUMNS);
  var sum = 0.0;
  for (var i = row * COLUMNS; i < (row + 1u) * COLUMNS; i++) {
    let z = logits[i];
    let y = targets[i];
    if (KIND == MULTI_LABEL) {
      sum += max(z, 0.0) - z * y + log(1.0 + exp(-min(abs(z), 87.0)));
      if (GRADIENT) { logits[i] = scale * (sigmoid(z) - y); }
    } else {
      sum += (z - y) * (z - y);
      if (GRADIENT) { logits[i] = scale * 2.0 * (z - y); }
    }
  }
  losses[row] = sum / f32(COLUMNS);
}

@group(0) @binding(1) var<storage, read_write> values:  array<f32>;
@group(0) @binding(2) var<storage, read>       weights: array<f32>;

@compute @workgroup_size(256)
fn weigh(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.x + group.y * groups.x) * 256u + lane;
  if (i >= params.rows * COLUMNS) { return; }
  values[i] *= weights[i / COLUMNS];
}
