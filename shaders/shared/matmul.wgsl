// What all forms of matmul share: layouts, the range of K of one workgroup, the epilogue. Needs control, threefry, dropout,
// masks, stream, activation, halves and matmul-plain, matmul-keep or matmul-pair, and the including file's bindings.
override TRANSPOSE_A: bool; // A is stored as [k, m]
override TRANSPOSE_B: bool; // B is stored as [n, k]
override A_HEADS: bool;     // the stored matrix is in the heads layout [batch, heads, length, headSize]
override B_HEADS: bool;
override C_HEADS: bool;
override COLUMNS_OF_B: bool;      // the stored matrix has params.width columns, of which B's or C's begin at params.firstColumn
override COLUMNS_OF_C: bool;
override HEADS: u32;
override HEAD_SIZE: u32;
override STORE: u32;
override ACTIVATION: u32;
override GRADIENT: bool;    // the derivative of dropout and activation at `before` instead of the function
override BIAS: bool;
override OUT_HALF: bool; // C is stored as halves, two columns to a word
override PAIR: bool;     // the second half of C's columns is a matrix of its own, in the heads layout like the first

const STORE_SET = 0u;
const STORE_ADD = 1u;
const STORE_RESIDUAL_ADD = 2u;
const STORE_RESIDUAL_SUBTRACT = 3u;

const TILE = 64u;   // rows and columns of C of one workgroup
const K_STEP = 16u; // ranges of K begin at multiples of this

struct Params {
  m: u32,
  n: u32,
  k: u32,
  splits: u32,
  length: u32,    // tokens per sequence in the heads layout
  rowOffset: u32, // token of the first row
  site: u32,
  dropoutRate: f32,
  width: u32,
  firstColumn: u32,
}

// A stored matrix element (row, column) stands at row_part + column_part. In the heads layout rows are tokens.
fn row_part(row: u32, heads: bool, columns: u32) -> u32 {
  if (!heads) { return row * columns; }
  let token = params.rowOffset + row;
  return (token / params.length * HEADS * params.length + token % params.length) * HEAD_SIZE;
}

fn column_part(column: u32, heads: bool) -> u32 {
  if (!heads) { return column; }
  return column / HEAD_SIZE * params.length * HEAD_SIZE + column % HEAD_SIZE;
}

fn a_row(row: u32) -> u32 {
  let inside = min(row, params.m - 1u);
  if (TRANSPOSE_A) { return column_part(inside, A_HEADS); }
  return row_part(inside, A_HEADS, params.k);
}

fn a_step(k: u32) -> u32 {
  if (TRANSPOSE_A) { return row_part(k, A_HEADS, params.m); }
  return column_part(k, A_HEADS);
}

fn b_column(column: u32) -> u32 {
  let inside = min(column, params.n - 1u);
  let first = select(0u, params.firstColumn, COLUMNS_OF_B);
  if (TRANSPOSE_B) { return first + row_part(inside, B_HEADS, select(params.k, params.width, COLUMNS_OF_B)); }
  return first + column_part(inside, B_HEADS);
}

fn b_step(k: u32) -> u32 {
  if (TRANSPOSE_B) { return column_part(k, B_HEADS); }
  return row_part(k, B_HEADS, select(params.n, params.width, COLUMNS_OF_B));
}

// Begin and end of the terms that split number `split` sums.
fn k_range(split: u32) -> vec2u {
  let steps = (params.k + K_STEP - 1u) / K_STEP;
  let size = (steps + params.splits - 1u) / params.splits * K_STEP;
  return min(vec2u(split, split + 1u) * size, vec2u(params.k));
}

// An element of C from its sum.
fn finished(row: u32, column: u32, sum: f32, key: vec2u) -> f32 {
  var value = sum;
  if (BIAS) { value += bias[column]; }
  let here = row * params.n + column;
  keep_sum(here, value);
  var factor = 1.0;
  if (DROPOUT != DROPOUT_NONE) {
    factor = mask_factor(key, params.rowOffset + row, column, params.n);
    value *= factor;
  }
  if (GRADIENT) { return value * activation_gradient(ACTIVATION, before[here] * factor); }
  return activation(ACTIVATION, value);
}

fn is_second(column: u32) -> bool { return PAIR && column >= params.n / 2u; }

// Column in the first or the second of two matrices.
fn own_column(column: u32) -> u32 { return column - select(0u, params.n / 2u, is_second(column)); }

// Finishes two neighbouring elements of C, of which the first has an even column, and stores them as one word.
fn store_halves(row: u32, column: u32, sums: vec2f, key: vec2u) {
  if (row >= params.m || column >= params.n) { return; }
  let values = vec2f(finished(row, column, sums.x, key), finished(row, column + 1u, sums.y, key));
  let at = row_part(row, C_HEADS, params.n) + column_part(own_column(column), C_HEADS);
  put(is_second(column), at / 2u, bitcast<Out>(pack_halves(values)));
}

// Finishes one element of C and stores it, unless it lies outside.
fn store(row: u32, column: u32, sum: f32, split: u32, key: vec2u) {
  if (row >= params.m || column >= params.n) { return; }
  let value = finished(row, column, sum, key);
  var at = split * params.m * params.n;
  if (COLUMNS_OF_C) { at = params.firstColumn; }
  at += row_part(row, C_HEADS, select(params.n, params.width, COLUMNS_OF_C)) +
        column_part(own_column(column), C_HEADS);
  switch (STORE) {
    case STORE_ADD: { out[at] = bitcast<Out>(bitcast<f32>(out[at]) + value); }
    case STORE_RESIDUAL_ADD: { out[at] = bitcast<Out>(stream_add(bitcast<i32>(out[at]), value)); }
    case STORE_RESIDUAL_SUBTRACT: { out[at] = bitcast<Out>(stream_add(bitcast<i32>(out[at]), -value)); }
    default: { put(is_second(column), at, bitcast<Out>(value)); }
  }
}

// x yᵀ, row by row: element [i][j] is x[i]·y[j].
fn outer(x: vec4f, y: vec4f) -> mat4x4f {
  return mat4x4f(x.x * y, x.y * y, x.z * y, x.w * y);
}

// Loops, so that the long epilogue is compiled once. They turn the elements around instead of indexing them: what is indexed
// by a variable would leave the registers.
fn store4x4(row: u32, column: u32, sums: mat4x4f, split: u32, key: vec2u) {
  var rows = sums;
  for (var i = 0u; i < 4u; i++) {
    var elements = rows[0];
    if (OUT_HALF) {
      for (var j = 0u; j < 4u; j += 2u) {
        store_halves(row + i, column + j, elements.xy, key);
        elements = elements.zwxy;
      }
    } else {
      for (var j = 0u; j < 4u; j++) {
        store(row + i, column + j, elements.x, split, key);
        elements = elements.yzwx;
      }
    }
    rows = mat4x4f(rows[1], rows[2], rows[3], rows[0]);
  }
}
