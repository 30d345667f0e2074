// global-norm: Euclidean norm of all gradients together, the factor that clips it, and whether an update is safe.
//
//   square_sums  partials[first + i] = (Σ g², number of g that are NaN or infinite)      over gradients 16384 i … and
//                only blocks of 64 whose flags say trainable; dispatched once per flat gradient buffer
//   finish       norm = 2^−e √ Σ partials[first … first + count − 1]          e LOSS_EXPONENT: undoes the scale of the loss
//                clip = 2^−e min(1, MAX_NORM / (norm + 1e-6)), 2^−e where MAX_NORM is 0
//                SCALED: the next e is e − 1 after a gradient that is not finite, e + 1 after 1000 good steps, within 0 … 24
//
//   gradients   [count]              f32
//   blockFlags  [⌈count/64⌉]         u32  bit 1: trainable
//   partials    [partials,2]         f32
//   status      [64]                 u32  optional: largest magnitude per layer norm (words or f32 bits, see layer-norm)
//   state       [8]                  f32  shared/update-state.wgsl; where SCALED it lasts from step to step
//   results     [SLOTS,COLUMNS]      f32  ring row step mod SLOTS: norm at COLUMN, fault at COLUMN + 1
//   control     [16]                 u32  shared/control.wgsl
//
//   Grid      square_sums: ⌈count/16384⌉ workgroups in a line; finish: one
//   Cost      4 bytes and 2 FLOP per gradient
//   Numerics  f32 sums in fixed order: 64 terms per invocation, then a tree; NaN and infinity are found by their bits,
//             because WGSL lets a compiler assume that they do not occur, and left out of the sum
//   Source    clipping as in torch.nn.utils.clip_grad_norm_. Oracle: test/oracle/global-norm.ts
//   Needs     shared/control.wgsl, shared/update-state.wgsl, shared/workgroup-sum.wgsl
override MAX_NORM: f32;
override SCALED: bool;      // the scale of the loss is chosen here
override STATUS_LIMIT: u32; // a status word from here on is an overflow
override SLOTS: u32;
override COLUMNS: u32;
override COLUMN: u32;

const PER_GROUP = 16384u;
const TRAINABLE = 2u;
const EPSILON = 1e-6;
const GOOD_STEPS = 1000.0;
const LARGEST_EXPONENT = 24.0; // without gradients nothing would ever overflow

struct Params { count: u32, first: u32 }
@group(0) @binding(0) var<uniform>             params:     Params;
@group(0) @binding(1) var<storage, read>       gradients:  array<f32>;
@group(0) @binding(2) var<storage, read>       blockFlags: array<u32>;
@group(0) @binding(3) var<storage, read_write> partials:   array<vec2f>;

fn non_finite(bits: u32) -> bool {
  return (bits & 0x7f800000u) == 0x7f800000u;
}

@compute @workgroup_size(WG)
fn square_sums(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) groups: vec3u,
               @builtin(local_invocation_index) lane: u32) {
  let group = wid.x + wid.y * groups.x;
  let start = group * PER_GROUP;
  if (start >= params.count) { return; }
  let end = min(start + PER_GROUP, params.count);
  var sum = 0.0;
  var bad = 0.0;
  for (var i = start + lane; i < end; i += WG) {
    if ((blockFlags[i / 64u] & TRAINABLE) == 0u) { continue; }
    let g = gradients[i];
    if (non_finite(bitcast<u32>(g))) { bad += 1.0; } else { sum += g * g; }
  }
  let total = workgroup_sum(lane, sum);
  let all_bad = workgroup_sum(lane, bad);
  if (lane == 0u) { partials[params.first + group] = vec2f(total, all_bad); }
}

@group(0) @binding(1) var<storage, read>       status:  array<u32>;
@group(0) @binding(2) var<storage, read_write> state:   array<f32>;
@group(0) @binding(4) var<storage, read_write> results: array<f32>;
@group(0) @binding(5) var<storage, read>       control: array<u32>;

@compute @workgroup_size(WG)
fn finish(@builtin(local_invocation_index) lane: u32) {
  var sum = 0.0;
  var bad = 0.0;
  for (var i = lane; i < params.count; i += WG) {
    let partial = partials[params.first + i];
    sum += partial.x;
    bad += partial.y;
    if (non_finite(bitcast<u32>(partial.x))) { bad += 1.0; } // squares beyond f32
  }
  let total = workgroup_sum(lane, sum);
  let all_bad = workgroup_sum(lane, bad);
  let overflows = workgroup_sum(lane, select(0.0, 1.0, lane < 64u && status[min(lane, 63u)] >= STATUS_LIMIT));
  if (lane != 0u) { return; }

  let exponent = bitcast<f32>(control[CONTROL_LOSS_EXPONENT]);
  let unscale = power_of_two(-exponent);
  let norm = sqrt(total) * unscale;
  var fault = FAULT_NONE;
  if (overflows > 0.0) { fault = FAULT_OVERFLOW; }
  if (all_bad > 0.0 || non_finite(bitcast<u32>(total))) { fault = FAULT_NON_FINITE; }
  var next = vec2f(); // exponent, good steps
  if (SCALED) {
    next = vec2f(exponent, state[STATE_GOOD_STEPS]);
    if (fault == FAULT_NONE) { next.y += 1.0; }
    if (fault == FAULT_NON_FINITE) { next = vec2f(max(exponent - 1.0, 0.0), 0.0); }
    if (next.y >= GOOD_STEPS) { next = vec2f(min(exponent + 1.0, LARGEST_EXPONENT), 0.0); }
  }
  for (var i = 0u; i < STATE_WORDS; i += 1u) { state[i] = 0.0; }
  state[STATE_LOSS_EXPONENT] = next.x;
  state[STATE_GOOD_STEPS] = next.y;
  state[STATE_NORM] = norm;
  state[STATE_CLIP] = unscale * select(1.0, min(1.0, MAX_NORM / (norm + EPSILON)), MAX_NORM > 0.0);
  state[STATE_FAULT] = fault;
  let slot = (control[CONTROL_STEP] % SLOTS) * COLUMNS + COLUMN;
  results[slot] = norm;
  results[slot + 1u] = fault;
}
