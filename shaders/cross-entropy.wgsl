// cross-entropy: loss of every row of logits, and in place its gradient.
//
//   main                 loss[r]   = log Σ_j e^z_j − (1 − ε) z_y − ε/V Σ_j z_j                 z = logits[r,:], y = targets[r]
//                        logits[r,j] ← (softmax(z)_j − (1 − ε)[j = y] − ε/V) · gradientScale  where GRADIENT
//   correct_predictions  correct[r] = 1 where z_y is the row's largest, the first one of equals
//   sum_losses           sums[i] = Σ terms[4096 i … 4096 i + 4095]            terms = losses or correct
//   record_loss          results[step mod SLOTS, COLUMN] (+)= lossScale · Σ partials            partials = sums
//   An ignored row (a target outside 0…V−1; the convention is −100) has loss 0, gradient 0 and correct 0.
//
//   logits    [rows,V]           f32  read_write; unchanged unless GRADIENT
//   targets   [rows]             i32
//   control   [16]               u32  shared/control.wgsl; LOSS_SCALE is 1 / (number of targets not ignored),
//                                 gradientScale LOSS_SCALE · 2^LOSS_EXPONENT
//   losses    [rows]             f32  nats, not scaled
//   correct   [rows]             f32  1 or 0: summed like losses, it gives the accuracy
//   sums      [⌈rows/4096⌉]      f32
//   results   [SLOTS,COLUMNS]    f32  a ring: one row of numbers for each of the last SLOTS steps
//
//   Grid      main, correct_predictions: one workgroup per row, in a line; sum_losses: one per 4096 rows; record_loss: one
//   Cost      main: reads logits twice, writes them once; one exp per logit and pass
//   Numerics  running maximum and sum in f32, so no exponent exceeds 0; fixed order of summation
//   Source    Szegedy et al. 2016 §7 (label smoothing as in torch). Oracle: test/oracle/cross-entropy.ts
//   Needs     shared/control.wgsl, shared/workgroup-sum.wgsl
override VOCAB: u32;
override GRADIENT: bool;
override LABEL_SMOOTHING: f32; // ε
override SLOTS: u32;
override COLUMNS: u32;
override COLUMN: u32;
override ADD: bool;            // add to what the slot holds, for a loss that comes in several parts

const ROWS_PER_PARTIAL = 4096u;
const LOWEST = -1e30; // below every logit

struct Params { rows: u32 }
@group(0) @binding(0) var<uniform>             params:   Params;
@group(0) @binding(1) var<storage, read_write> logits:   array<f32>;
@group(0) @binding(2) var<storage, read>       targets:  array<i32>;
@group(0) @binding(3) var<storage, read>       control:  array<u32>;
@group(0) @binding(4) var<storage, read_write> losses:   array<f32>;

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) groups: vec3u,
        @builtin(local_invocation_index) lane: u32) {
  let row = wid.x + wid.y * groups.x;
  if (row >= params.rows) { return; }
  let start = row * VOCAB;
  let target_id = targets[row];
  if (target_id < 0 || target_id >= i32(VOCAB)) {
    if (lane == 0u) { losses[row] = 0.0; }
    if (GRADIENT) {
      for (var column = lane; column < VOCAB; column += WG) { logits[start + column] = 0.0; }
    }
    return;
  }
  let target_column = u32(target_id);

  // Pass 1: maximum and sum of exponentials, rescaled whenever the maximum grows.
  var top = LOWEST;
  var sum = 0.0;
  var logit_sum = 0.0;
  var target_logit = 0.0;
  for (var column = lane; column < VOCAB; column += WG) {
    let z = logits[start + column];
    if (z > top) {
      sum = sum * exp(top - z) + 1.0;
      top = z;
    } else {
      sum += exp(z - top);
    }
    logit_sum += z;
    if (column == target_column) { target_logit = z; }
  }
  let row_top = workgroup_max(lane, top);
  let row_sum = workgroup_sum(lane, sum * exp(top - row_top));
  var smooth_logit = 0.0; // mean of z
  if (LABEL_SMOOTHING > 0.0) { smooth_logit = workgroup_sum(lane, logit_sum) / f32(VOCAB); }

  // The invocation that read the target's logit.
  if (lane == target_column % WG) {
    let log_sum = log(row_sum);
    let target_loss = log_sum + (row_top - target_logit);
    let uniform_loss = log_sum + (row_top - smooth_logit);
    losses[row] = (1.0 - LABEL_SMOOTHING) * target_loss + LABEL_SMOOTHING * uniform_loss;
  }
  if (!GRADIENT) { return; }

  // Pass 2: the gradient. Each invocation overwrites only what it read itself.
  let scale = gradient_scale(control[CONTROL_LOSS_SCALE], control[CONTROL_LOSS_EXPONENT]);
  let share = scale / row_sum;
  for (var column = lane; column < VOCAB; column += WG) {
    let wanted = LABEL_SMOOTHING / f32(VOCAB) + select(0.0, 1.0 - LABEL_SMOOTHING, column == target_column);
    logits[start + column] = share * exp(logits[start + column] - row_top) - scale * wanted;
  }
}

@group(0) @binding(1) var<storage, read>       scores:  array<f32>; // logits, only read
@group(0) @binding(3) var<storage, read_write> correct: array<f32>;

@compute @workgroup_size(WG)
fn correct_predictions(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) groups: vec3u,
                       @builtin(local_invocation_index) lane: u32) {
  let row = wid.x + wid.y * groups.x;
  if (row >= params.rows) { return; }
  let start = row * VOCAB;
  let target_id = targets[row];
  if (target_id < 0 || target_id >= i32(VOCAB)) {
    if (lane == 0u) { correct[row] = 0.0; }
    return;
  }
  let target_column = u32(target_id);
  let target_logit = scores[start + target_column];
  var ahead = 0.0; // logits that come before the target's, exact in f32
  for (var column = lane; column < VOCAB; column += WG) {
    let z = scores[start + column];
    if (z > target_logit || (z == target_logit && column < target_column)) { ahead += 1.0; }
  }
  let rank = workgroup_sum(lane, ahead);
  if (lane == 0u) { correct[row] = select(0.0, 1.0, rank == 0.0); }
}

@group(0) @binding(1) var<storage, read>       terms: array<f32>; // losses, only read
@group(0) @binding(2) var<storage, read_write> sums:  array<f32>; // partials, written

@compute @workgroup_size(WG)
fn sum_losses(@builtin(workgroup_id) wid: vec3u, @builtin(local_invocation_index) lane: u32) {
  let start = wid.x * ROWS_PER_PARTIAL;
  let end = min(start + ROWS_PER_PARTIAL, params.rows);
  var sum = 0.0;
  for (var row = start + lane; row < end; row += WG) { sum += terms[row]; }
  let total = workgroup_sum(lane, sum);
  if (lane == 0u) { sums[wid.x] = total; }
}

@group(0) @binding(1) var<storage, read>       partials: array<f32>;
@group(0) @binding(2) var<storage, read_write> results:  array<f32>;

@compute @workgroup_size(WG)
fn record_loss(@builtin(local_invocation_index) lane: u32) {
  let count = (params.rows + ROWS_PER_PARTIAL - 1u) / ROWS_PER_PARTIAL;
  var sum = 0.0;
  for (var i = lane; i < count; i += WG) { sum += partials[i]; }
  let total = workgroup_sum(lane, sum);
  if (lane == 0u) {
    let slot = (control[CONTROL_STEP] % SLOTS) * COLUMNS + COLUMN;
    let scaled = total * bitcast<f32>(control[CONTROL_LOSS_SCALE]);
    results[slot] = select(scaled, results[slot] + scaled, ADD);
  }
}
