// Words of the control buffer: what changes from step to step without a new plan. Written by src/model/control.ts.
const CONTROL_SEED = 0u;              // two words
const CONTROL_DRAW = 2u;              // counts forward passes that draw random numbers; equal in recomputation
const CONTROL_LEARNING_RATE = 3u;     // f32 bits
const CONTROL_LOSS_SCALE = 4u;        // f32 bits: weight of one target's loss in the mean
const CONTROL_BIAS_CORRECTION_1 = 5u; // f32 bits: 1 - beta1^step
const CONTROL_BIAS_CORRECTION_2 = 6u; // f32 bits: 1 - beta2^step
const CONTROL_STEP = 7u;              // optimiser step, from 1
const CONTROL_POSITION = 8u;          // position of each sequence's first token, for cached decoding; else 0
const CONTROL_TEMPERATURE = 9u;       // f32 bits; 0 takes the likeliest token
const CONTROL_TOP_K = 10u;            // u32; 0 means all
const CONTROL_TOP_P = 11u;            // f32 bits; 1 means all
const CONTROL_REPETITION_PENALTY = 12u; // f32 bits; 1 means none
const CONTROL_LOSS_EXPONENT = 13u;    // f32 bits, a whole number: gradients are of 2^this times the loss; else 0

fn power_of_two(exponent: f32) -> f32 {
  return bitcast<f32>(u32(127 + i32(exponent)) << 23u);
}

// Weight of one target's gradient, from the two control words: LOSS_SCALE · 2^LOSS_EXPONENT.
fn gradient_scale(loss_scale: u32, loss_exponent: u32) -> f32 {
  return bitcast<f32>(loss_scale) * power_of_two(bitcast<f32>(loss_exponent));
}
