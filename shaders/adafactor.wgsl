// adafactor: one step of Adafactor on a matrix G, keeping squares per row and per column instead of per element. Six
// entry points, dispatched in this order; all have the same bindings. A vector is a matrix of one row: then R is the
// mean of the columns' squares and cancels, which leaves the unfactored rule.
//
//   g ← clip · gradient                       φ = t^−DECAY_EXPONENT, t the step
//   row_moments       R_i ← (1 − φ) R_i + φ (mean_j g_ij² + ε1)
//   column_sums       partials[p,j] = Σ g_ij² over rows 128 p …
//   column_moments    C_j ← (1 − φ) C_j + φ (Σ_p partials[p,j] / rows + ε1)
//   update_squares    partials[k] = (Σ u_ij², Σ p_ij²) over elements 16384 k …            u_ij = g_ij / √(R_i C_j)
//   scales            S = η · max(ε2, rms p), or η;  U = √mean R · rms u
//                     stepScales = (S √mean R / max(1, U / CLIP_THRESHOLD), S λ)
//   apply             p ← p − stepScales[1] p − stepScales[0] u
//
//   gradients      [rows,columns]   f32
//   control        [16]             u32  η LEARNING_RATE, t STEP; shared/control.wgsl
//   state          [8]              f32  clip and fault of global-norm; with a fault nothing persistent changes
//   rowMoments     [rows]           f32  R
//   columnMoments  [columns]        f32  C
//   parameters     [rows,columns]   f32  p
//   partials       [max(⌈rows/128⌉·columns, 2⌈rows·columns/16384⌉)]  f32  scratch
//   stepScales     [2]              f32  scratch
//
//   Grid      a workgroup per row · (⌈columns/64⌉, ⌈rows/128⌉) · per 64 columns · per 16384 elements · one · per 256
//   Cost      4 reads of the gradients, 2 of the parameters, 1 write: 28 bytes and about 12 FLOP per element
//   Numerics  f32 sums in fixed order; roots of R and C are taken apart, since their product may underflow
//   Source    Shazeer & Stern 2018, algorithm 4 without momentum. Oracle: test/oracle/adafactor.ts
//   Needs     shared/control.wgsl, shared/update-state.wgsl, shared/workgroup-sum.wgsl
override DECAY_EXPONENT: f32;
override EPSILON1: f32;
override EPSILON2: f32;
override CLIP_THRESHOLD: f32;
override WEIGHT_DECAY: f32;        // λ
override SCALE_BY_PARAMETER: bool; // S grows with the parameters

const ROWS_PER_PARTIAL = 128u;
const ELEMENTS_PER_PARTIAL = 16384u;

struct Params { rows: u32, columns: u32 }
@group(0) @binding(0) var<uniform>             params:        Params;
@group(0) @binding(1) var<storage, read>       gradients:     array<f32>;
@group(0) @binding(2) var<storage, read>       control:       array<u32>;
@group(0) @binding(3) var<storage, read>       state:         array<f32>;
@group(0) @binding(4) var<storage, read_write> rowMoments:    array<f32>;
@group(0) @binding(5) var<storage, read_write> columnMoments: array<f32>;
@group(0) @binding(6) var<storage, read_write> parameters:    array<f32>;
@group(0) @binding(7) var<storage, read_write> partials:      array<f32>;
@group(0) @binding(8) var<storage, read_write> stepScales:    array<f32>;

fn gradient(i: u32) -> f32 {
  return gradients[i] * state[STATE_CLIP];
}

fn moved(moment: f32, mean_square: f32) -> f32 {
  let fresh = pow(f32(control[CONTROL_STEP]), -DECAY_EXPONENT);
  return (1.0 - fresh) * moment + fresh * (mean_square + EPSILON1);
}

// u of element i.
fn unscaled_update(i: u32) -> f32 {
  return gradient(i) * inverseSqrt(rowMoments[i / params.columns]) * inverseSqrt(columnMoments[i % params.columns]);
}

@compute @workgroup_size(WG)
fn row_moments(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) groups: vec3u,
               @builtin(local_invocation_index) lane: u32) {
  let row = wid.x + wid.y * groups.x;
  if (row >= params.rows || state[STATE_FAULT] != FAULT_NONE) { return; }
  var sum = 0.0;
  for (var column = lane; column < params.columns; column += WG) {
    let g = gradient(row * params.columns + column);
    sum += g * g;
  }
  let total = workgroup_sum(lane, sum);
  if (lane == 0u) { rowMoments[row] = moved(rowMoments[row], total / f32(params.columns)); }
}

@compute @workgroup_size(64)
fn column_sums(@builtin(workgroup_id) wid: vec3u, @builtin(local_invocation_index) lane: u32) {
  let column = wid.x * 64u + lane;
  if (column >= params.columns) { return; }
  let end = min((wid.y + 1u) * ROWS_PER_PARTIAL, params.rows);
  var sum = 0.0;
  for (var row = wid.y * ROWS_PER_PARTIAL; row < end; row += 1u) {
    let g = gradient(row * params.columns + column);
    sum += g * g;
  }
  partials[wid.y * params.columns + column] = sum;
}

@compute @workgroup_size(64)
fn column_moments(@builtin(workgroup_id) wid: vec3u, @builtin(local_invocation_index) lane: u32) {
  let column = wid.x * 64u + lane;
  if (column >= params.columns || state[STATE_FAULT] != FAULT_NONE) { return; }
  let parts = (params.rows + ROWS_PER_PARTIAL - 1u) / ROWS_PER_PARTIAL;
  var sum = 0.0;
  for (var part = 0u; part < parts; part += 1u) { sum += partials[part * params.columns + column]; }
  columnMoments[column] = moved(columnMoments[column], sum / f32(params.rows));
}

@compute @workgroup_size(WG)
fn update_squares(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) groups: vec3u,
                  @builtin(local_invocation_index) lane: u32) {
  let part = wid.x + wid.y * groups.x;
  let count = params.rows * params.columns;
  if (part * ELEMENTS_PER_PARTIAL >= count) { return; }
  let end = min((part + 1u) * ELEMENTS_PER_PARTIAL, count);
  var sum = vec2f();
  for (var i = part * ELEMENTS_PER_PARTIAL + lane; i < end; i += WG) {
    let pair = vec2f(unscaled_update(i), parameters[i]);
    sum += pair * pair;
  }
  let updates = workgroup_sum(lane, sum.x);
  let values = workgroup_sum(lane, sum.y);
  if (lane == 0u) {
    partials[2u * part] = updates;
    partials[2u * part + 1u] = values;
  }
}

@compute @workgroup_size(WG)
fn scales(@builtin(local_invocation_index) lane: u32) {
  let count = params.rows * params.columns;
  let parts = (count + ELEMENTS_PER_PARTIAL - 1u) / ELEMENTS_PER_PARTIAL;
  var sum = vec2f();
  for (var part = lane; part < parts; part += WG) { sum += vec2f(partials[2u * part], partials[2u * part + 1u]); }
  var row_sum = 0.0;
  for (var row = lane; row < params.rows; row += WG) { row_sum += rowMoments[row]; }
  let updates = workgroup_sum(lane, sum.x);
  let values = workgroup_sum(lane, sum.y);
  let row_root = sqrt(workgroup_sum(lane, row_sum) / f32(params.rows));
  if (lane != 0u) { return; }
  var size = bitcast<f32>(control[CONTROL_LEARNING_RATE]);
  if (SCALE_BY_PARAMETER) { size *= max(EPSILON2, sqrt(values / f32(count))); }
  let update_rms = row_root * sqrt(updates / f32(count));
  stepScales[0] = size * row_root / max(1.0, update_rms / CLIP_THRESHOLD);
  stepScales[1] = size * WEIGHT_DECAY;
}

@compute @workgroup_size(WG)
fn apply(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) groups: vec3u,
         @builtin(local_invocation_index) lane: u32) {
  let i = (wid.x + wid.y * groups.x) * WG + lane;
  if (i >= params.rows * params.columns || state[STATE_FAULT] != FAULT_NONE) { return; }
  let p = parameters[i];
  parameters[i] = (p - stepScales[1] * p) - stepScales[0] * unscaled_update(i);
}
