// matmul: product of two matrices, each plain or in the heads layout, with bias, dropout, activation and residual add.
//
//   x[i,j] = Σ_k A[i,k]·B[k,j] + bias[j]
//   C[i,j] (+)= act(mask[i,j]·x[i,j]), or where GRADIENT mask[i,j]·x[i,j]·act'(mask[i,j]·before[i,j])
//
//   a        [m,k], or [k,m] where TRANSPOSE_A, or [batch, heads, length, headSize] where A_HEADS      f32
//   b        [k,n], or [n,k] where TRANSPOSE_B, or [batch, heads, length, headSize] where B_HEADS      f32
//   bias     [n]                                                                                      f32  if BIAS
//   keep     [batch·length, n]  0 or 1, of all tokens                                                 u32  if DROPOUT = 2
//   control  [16]               seed and draw: shared/control.wgsl                                    u32  if DROPOUT = 1
//   before   [m,n]              what went into dropout and activation, or where act is ReLU came out   f32  if GRADIENT
//   out      [splits,m,n], or [batch, heads, length, headSize] where C_HEADS          f32, or i32 stream for residual stores
//   kept     [m,n]              x                                                     f32  with shared/matmul-keep.wgsl alone
//   second   as out             the second half of C's columns, where PAIR            with shared/matmul-pair.wgsl alone
//   Where COLUMNS_OF_B or COLUMNS_OF_C, the stored b or out has `width` columns, of which the operand's begin at firstColumn.
//   A or B in the tiled and wide forms, and C where OUT_HALF, may be stored as halves, two neighbours of a row or head to a
//   word: of a word of C with a number beyond 65,504 both become infinite. The heads layout stands for the matrix
//   [batch·length, heads·headSize] of one row per token; where PAIR, C is two of them side by side. rowOffset is added to
//   the row there and in the masks: the other operands may hold a slab of the tokens only.
//   splits > 1: K is cut into equal ranges of whole K_STEPs; out holds one partial product each, summed later by reduce.
//
//   Grid     (⌈n/64⌉, ⌈m/64⌉, splits); 64 invocations, each sums 8 × 8 elements in registers, no workgroup memory
//   Cost     2·m·n·k operations
//   Numerics f32; every element sums its terms one by one in order of k
//   Source   HF modeling_reformer (linear layers). Oracle: test/oracle/matmul.ts
// The including table prepends `alias Out = f32;` or `alias Out = i32;`.
@group(0) @binding(0) var<uniform>             params:  Params;
@group(0) @binding(1) var<storage, read>       a:       array<f32>;
@group(0) @binding(2) var<storage, read>       b:       array<f32>;
@group(0) @binding(3) var<storage, read>       bias:    array<f32>;
@group(0) @binding(4) var<storage, read>       keep:    array<u32>;
@group(0) @binding(5) var<storage, read>       control: array<u32>;
@group(0) @binding(6) var<storage, read>       before:  array<f32>;
@group(0) @binding(7) var<storage, read_write> out:     array<Out>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let range = k_range(group.z);
  let row = group.y * TILE + lane / 8u * 8u;
  let column = group.x * TILE + lane % 8u * 8u;
  let rows0 = vec4u(a_row(row), a_row(row + 1u), a_row(row + 2u), a_row(row + 3u));
  let rows1 = vec4u(a_row(row + 4u), a_row(row + 5u), a_row(row + 6u), a_row(row + 7u));
  let columns0 = vec4u(b_column(column), b_column(column + 1u), b_column(column + 2u), b_column(column + 3u));
  let columns1 = vec4u(b_column(column + 4u), b_column(column + 5u), b_column(column + 6u), b_column(column + 7u));

  var sums00 = mat4x4f();
  var sums01 = mat4x4f();
  var sums10 = mat4x4f();
  var sums11 = mat4x4f();
  for (var k = range.x; k < range.y; k++) {
    let x0 = load_a(rows0 + a_step(k));
    let x1 = load_a(rows1 + a_step(k));
    let y0 = load_b(columns0 + b_step(k));
    let y1 = load_b(columns1 + b_step(k));
    sums00 += outer(x0, y0);
    sums01 += outer(x0, y1);
    sums10 += outer(x1, y0);
    sums11 += outer(x1, y1);
  }

  let key = mask_key();
  for (var i = 0u; i < 4u; i++) { // a loop, so that the long epilogue is compiled once
    store4x4(row + i / 2u * 4u, column + i % 2u * 4u, sums00, group.z, key);
    let stored = sums00;
    sums00 = sums01;
    sums01 = sums10;
    sums10 = sums11;
    sums11 = stored;
  }
}

fn load_a(at: vec4u) -> vec4f {
  return vec4f(a[at.x], a[at.y], a[at.z], a[at.w]);
}

fn load_b(at: vec4u) -> vec4f {
  return vec4f(b[at.x], b[at.y], b[at.z], b[at.w]);
}
