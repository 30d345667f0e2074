// matmul, wide forms for products with many tiles: 128 invocations share 128 × 16 and 64 × 16 slices of A and B in workgroup
// memory, each sums 8 × 8 elements. Twice the arithmetic of the tiled forms for every number read from workgroup memory, and
// 1.3 times less read from global memory, four numbers at a time.
//
//   Grid       (⌈n/64⌉, ⌈m/128⌉, splits)
//   Workgroup  128 invocations, 12.5 KiB with quad-f32, 6.25 KiB with halves; the next slices wait in registers
//   Numerics   as the tiled forms: every element sums its terms one by one in order of k
//   Needs      shared/quad-f32.wgsl, or quad-half.wgsl or quad-f16.wgsl in its place; fours of neighbouring elements of
//              A and B lie in one row and one head, and no four is cut by the end of A or B; shared/fours-of-a.wgsl
//              and fours-of-b.wgsl, or fours-of-a-half.wgsl and fours-of-b-half.wgsl in their place
// The specification (equation, shapes, cost, numerics, oracle) is in matmul.wgsl.
@group(0) @binding(0) var<uniform>             params:  Params;
@group(0) @binding(1) var<storage, read>       a:       array<A>;
@group(0) @binding(2) var<storage, read>       b:       array<B>;
@group(0) @binding(3) var<storage, read>       bias:    array<f32>;
@group(0) @binding(4) var<storage, read>       keep:    array<u32>;
@group(0) @binding(5) var<storage, read>       control: array<u32>;
@group(0) @binding(6) var<storage, read>       before:  array<f32>;
@group(0) @binding(7) var<storage, read_write> out:     array<Out>;

const HEIGHT = 2u * TILE; // rows of C of one workgroup
const PITCH_A = HEIGHT / 4u + 1u; // one quad of padding spreads a column over the memory banks
const PITCH_B = TILE / 4u + 1u;
var<workgroup> tile_a: array<Quad, K_STEP * PITCH_A>; // [k][row / 4]
var<workgroup> tile_b: array<Quad, K_STEP * PITCH_B>; // [k][column / 4]

// What an invocation loads of every slice: its quad of rows or columns, its first step of k, and where the four rows or
// columns stand in memory (only the first counts where they are neighbours there).
struct Part { quad: u32, k: u32, lines: vec4u }

@compute @workgroup_size(128)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let range = k_range(group.z);
  let a_part = part_of_a(group.y * HEIGHT, lane);
  let b_part = part_of_b(group.x * TILE, lane);

  // Each invocation sums four blocks of 4 × 4, half a tile apart: neighbouring invocations read neighbouring quads.
  let row_quad = lane / 8u;
  let column_quad = lane % 8u;
  var sums00 = mat4x4f();
  var sums01 = mat4x4f();
  var sums10 = mat4x4f();
  var sums11 = mat4x4f();
  var next_a = load_a(a_part, range.x, range.y);
  var next_b = load_b(b_part, range.x, range.y);
  for (var k = range.x; k < range.y; k += K_STEP) {
    put_a(a_part, next_a);
    put_b(b_part, next_b);
    workgroupBarrier();
    next_a = load_a(a_part, k + K_STEP, range.y);
    next_b = load_b(b_part, k + K_STEP, range.y);
    // A constant number of steps, to be unrolled; behind the range are zeros.
    for (var i = 0u; i < K_STEP; i++) {
      let x0 = floats(tile_a[i * PITCH_A + row_quad]);
      let x1 = floats(tile_a[i * PITCH_A + row_quad + HEIGHT / 8u]);
      let y0 = floats(tile_b[i * PITCH_B + column_quad]);
      let y1 = floats(tile_b[i * PITCH_B + column_quad + TILE / 8u]);
      sums00 += outer(x0, y0);
      sums01 += outer(x0, y1);
      sums10 += outer(x1, y0);
      sums11 += outer(x1, y1);
    }
    workgroupBarrier(); // the slices are read to the end before they are overwritten
  }

  let key = mask_key();
  let row = group.y * HEIGHT + row_quad * 4u;
  let column = group.x * TILE + column_quad * 4u;
  for (var i = 0u; i < 4u; i++) { // a loop, so that the long epilogue is compiled once
    store4x4(row + i / 2u * TILE, column + i % 2u * (TILE / 2u), sums00, group.z, key);
    let stored = sums00;
    sums00 = sums01;
    sums01 = sums10;
    sums10 = sums11;
    sums11 = stored;
  }
}

// A has 32 quads of rows and 16 steps of k in a slice. Where k is contiguous an invocation takes 4 rows × 4 steps, else a quad
// of rows at every fourth step.
fn part_of_a(first: u32, lane: u32) -> Part {
  if (TRANSPOSE_A) {
    let row = first + lane % 32u * 4u;
    return Part(lane % 32u, lane / 32u, vec4u(a_row(row)));
  }
  let row = first + lane / 4u * 4u;
  return Part(lane / 4u, lane % 4u * 4u, vec4u(a_row(row), a_row(row + 1u), a_row(row + 2u), a_row(row + 3u)));
}

// Element [step][row], the steps as in part_of_a.
fn load_a(part: Part, slice: u32, end: u32) -> mat4x4f {
  let k = slice + part.k;
  var x = mat4x4f();
  if (TRANSPOSE_A) {
    if (k < end) { x[0] = four_of_A(a[(part.lines.x + a_step(k)) / 4u]); }
    if (k + 4u < end) { x[1] = four_of_A(a[(part.lines.x + a_step(k + 4u)) / 4u]); }
    if (k + 8u < end) { x[2] = four_of_A(a[(part.lines.x + a_step(k + 8u)) / 4u]); }
    if (k + 12u < end) { x[3] = four_of_A(a[(part.lines.x + a_step(k + 12u)) / 4u]); }
    return x;
  }
  if (k >= end) { return x; }
  let at = (part.lines + a_step(k)) / 4u;
  return transpose(mat4x4f(four_of_A(a[at.x]), four_of_A(a[at.y]), four_of_A(a[at.z]), four_of_A(a[at.w])));
}

fn put_a(part: Part, x: mat4x4f) {
  let step = select(1u, 4u, TRANSPOSE_A) * PITCH_A;
  let at = part.k * PITCH_A + part.quad;
  tile_a[at] = quad(x[0]);
  tile_a[at + step] = quad(x[1]);
  tile_a[at + 2u * step] = quad(x[2]);
  tile_a[at + 3u * step] = quad(x[3]);
}

// B has 16 quads of columns and 16 steps of k in a slice. Where k is contiguous half of the invocations take 4 columns × 4
// steps each, else all of them a quad of columns at every eighth step.
fn part_of_b(first: u32, lane: u32) -> Part {
  if (TRANSPOSE_B) {
    let column = first + lane / 4u * 4u;
    return Part(
      lane / 4u,
      lane % 4u * 4u,
      vec4u(b_column(column), b_column(column + 1u), b_column(column + 2u), b_column(column + 3u)),
    );
  }
  return Part(lane % 16u, lane / 16u, vec4u(b_column(first + lane % 16u * 4u)));
}

// Element [step][column], the steps as in part_of_b.
fn load_b(part: Part, slice: u32, end: u32) -> mat4x4f {
  let k = slice + part.k;
  var y = mat4x4f();
  if (TRANSPOSE_B) {
    if (k >= end || part.quad >= TILE / 4u) { return y; }
    let at = (part.lines + b_step(k)) / 4u;
    return transpose(mat4x4f(four_of_B(b[at.x]), four_of_B(b[at.y]), four_of_B(b[at.z]), four_of_B(b[at.w])));
  }
  if (k < end) { y[0] = four_of_B(b[(part.lines.x + b_step(k)) / 4u]); }
  if (k + 8u < end) { y[1] = four_of_B(b[(part.lines.x + b_step(k + 8u)) / 4u]); }
  return y;
}

fn put_b(part: Part, y: mat4x4f) {
  let at = part.k * PITCH_B + part.quad;
  if (!TRANSPOSE_B) {
    tile_b[at] = quad(y[0]);
    tile_b[at + 8u * PITCH_B] = quad(y[1]);
    return;
  }
  if (part.quad >= TILE / 4u) { return; }
  tile_b[at] = quad(y[0]);
  tile_b[at + PITCH_B] = quad(y[1]);
  tile_b[at + 2u * PITCH_B] = quad(y[2]);
  tile_b[at + 3u * PITCH_B] = quad(y[3]);
}
