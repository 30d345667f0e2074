// How the tiled and matrix forms of matmul read slices of A and B: four neighbouring rows, or columns, at one step of k.
// Needs shared/matmul.wgsl; `alias A` and `alias B`: f32, or u32 for an operand that is stored as halves, two to a word.
override A_HALF: bool; // A is stored as halves
override B_HALF: bool;

fn rows_of_a(first: u32) -> vec4u {
  return vec4u(a_row(first), a_row(first + 1u), a_row(first + 2u), a_row(first + 3u));
}

fn columns_of_b(first: u32) -> vec4u {
  return vec4u(b_column(first), b_column(first + 1u), b_column(first + 2u), b_column(first + 3u));
}

fn load_a(k: u32, end: u32, rows: vec4u) -> vec4f {
  if (k >= end) { return vec4f(); }
  let at = rows + a_step(k);
  return vec4f(a_number(at.x), a_number(at.y), a_number(at.z), a_number(at.w));
}

fn a_number(at: u32) -> f32 {
  if (A_HALF) { return half_of(bitcast<u32>(a[at / 2u]), at); }
  return bitcast<f32>(a[at]);
}

fn load_b(k: u32, end: u32, columns: vec4u) -> vec4f {
  if (k >= end) { return vec4f(); }
  let at = columns + b_step(k);
  return vec4f(b_number(at.x), b_number(at.y), b_number(at.z), b_number(at.w));
}

fn b_number(at: u32) -> f32 {
  if (B_HALF) { return half_of(bitcast<u32>(b[at / 2u]), at); }
  return bitcast<f32>(b[at]);
}
