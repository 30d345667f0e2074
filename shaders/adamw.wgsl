// adamw: one step of Adam with decoupled weight decay over a flat buffer of parameters.
//
//   g ← clip · gradient
//   m ← β1 m + (1 − β1) g                    v ← β2 v + (1 − β2) g²
//   p ← p − η λ p − η/(1 − β1^t) · m / (√v / √(1 − β2^t) + ε)
//
//   parameters    [count]        f32  p, read_write
//   gradients     [count]        f32
//   moments       [count]        f32  m, read_write
//   variances     [count]        f32  v, read_write
//   blockFlags    [⌈count/64⌉]   u32  per block of 64: bit 0 weight decay applies, bit 1 trainable
//   control       [16]           u32  η LEARNING_RATE, 1 − β^t BIAS_CORRECTION_1 and _2; shared/control.wgsl
//   state         [8]            f32  clip and fault of global-norm; with a fault nothing changes
//
//   Grid      ⌈count/WG⌉ workgroups in a line, one invocation per parameter
//   Cost      28 bytes and about 16 FLOP per parameter
//   Source    Loshchilov & Hutter 2019; operations as in torch.optim.AdamW. Oracle: test/oracle/adamw.ts
//   Needs     shared/control.wgsl, shared/update-state.wgsl
override WG: u32;
override BETA1: f32;
override BETA2: f32;
override ONE_MINUS_BETA1: f32; // from f64, since 1 − f32(0.999) is off by 1e-5 of itself
override ONE_MINUS_BETA2: f32;
override EPSILON: f32;
override WEIGHT_DECAY: f32;    // λ

const DECAYED = 1u;
const TRAINABLE = 2u;

struct Params { count: u32 }
@group(0) @binding(0) var<uniform>             params:     Params;
@group(0) @binding(1) var<storage, read_write> parameters: array<f32>;
@group(0) @binding(2) var<storage, read>       gradients:  array<f32>;
@group(0) @binding(3) var<storage, read_write> moments:    array<f32>;
@group(0) @binding(4) var<storage, read_write> variances:  array<f32>;
@group(0) @binding(5) var<storage, read>       blockFlags: array<u32>;
@group(0) @binding(6) var<storage, read>       control:    array<u32>;
@group(0) @binding(7) var<storage, read>       state:      array<f32>;

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) groups: vec3u,
        @builtin(local_invocation_index) lane: u32) {
  let i = (wid.x + wid.y * groups.x) * WG + lane;
  if (i >= params.count || state[STATE_FAULT] != FAULT_NONE) { return; }
  let flags = blockFlags[i / 64u];
  if ((flags & TRAINABLE) == 0u) { return; }

  let learning_rate = bitcast<f32>(control[CONTROL_LEARNING_RATE]);
  let correction1 = bitcast<f32>(control[CONTROL_BIAS_CORRECTION_1]);
  let correction2 = bitcast<f32>(control[CONTROL_BIAS_CORRECTION_2]);
  let g = gradients[i] * state[STATE_CLIP];
  let m = BETA1 * moments[i] + ONE_MINUS_BETA1 * g;
  let v = BETA2 * variances[i] + ONE_MINUS_BETA2 * g * g;
  moments[i] = m;
  variances[i] = v;
  let decay = select(0.0, learning_rate * WEIGHT_DECAY, (flags & DECAYED) != 0u);
  let p = parameters[i];
  parameters[i] = (p - decay * p) - (learning_rate / correction1) * m / (sqrt(v) / sqrt(correction2) + EPSILON);
}
