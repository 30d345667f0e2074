// The dropout factor of one element, in every mode. Needs control, threefry, dropout, and the including file's bindings
// `params` (with site, dropoutRate), `keep` and `control`.
override DROPOUT: u32;

fn mask_key() -> vec2u {
  if (DROPOUT != DROPOUT_SEEDED) { return vec2u(); }
  return dropout_key(vec2u(control[CONTROL_SEED], control[CONTROL_SEED + 1u]), control[CONTROL_DRAW], params.site);
}

// `row` counts from the first token; a keep mask holds all of them, `columns` wide.
fn mask_factor(key: vec2u, row: u32, column: u32, columns: u32) -> f32 {
  if (DROPOUT == DROPOUT_SEEDED) { return dropout_factor(key, row, column, params.dropoutRate); }
  if (DROPOUT == DROPOUT_GIVEN) { return select(0.0, 1.0 / (1.0 - params.dropoutRate), keep[row * columns + column] != 0u); }
  return 1.0;
}
