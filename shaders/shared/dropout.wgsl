// Dropout masks replayed from (seed, draw, site, row, column). Needs threefry.wgsl.
//   DROPOUT_NONE: factor 1.  DROPOUT_SEEDED: 0 with probability `rate`, else 1 / (1 - rate).
//   DROPOUT_GIVEN: the caller reads a recorded 0/1 keep mask and scales it itself.
const DROPOUT_NONE = 0u;
const DROPOUT_SEEDED = 1u;
const DROPOUT_GIVEN = 2u;

// One key per place in the model (`site`) and forward pass (`draw`).
fn dropout_key(seed: vec2u, draw: u32, site: u32) -> vec2u {
  return threefry2x32(seed, vec2u(draw, site));
}

fn dropout_factor(key: vec2u, row: u32, column: u32, rate: f32) -> f32 {
  let keep = unit_float(threefry2x32(key, vec2u(row, column)).x) >= rate;
  return select(0.0, 1.0 / (1.0 - rate), keep);
}
