// matmul, tiled forms: 256 invocations share 64 × 16 slices of A and B in workgroup memory, each sums 4 × 4 elements.
//
//   Grid       (⌈n/64⌉, ⌈m/64⌉, splits)
//   Workgroup  256 invocations, 8.5 KiB with quad-f32, 4.25 KiB with halves
//   Numerics   products and sums in f32; with quad-half and quad-f16 of operands rounded to the nearest half
//   Needs      shared/quad-f32.wgsl, or quad-half.wgsl or quad-f16.wgsl in its place, and shared/matmul-slices.wgsl
// The specification (equation, shapes, cost, numerics, oracle) is in matmul.wgsl.
@group(0) @binding(0) var<uniform>             params:  Params;
@group(0) @binding(1) var<storage, read>       a:       array<A>;
@group(0) @binding(2) var<storage, read>       b:       array<B>;
@group(0) @binding(3) var<storage, read>       bias:    array<f32>;
@group(0) @binding(4) var<storage, read>       keep:    array<u32>;
@group(0) @binding(5) var<storage, read>       control: array<u32>;
@group(0) @binding(6) var<storage, read>       before:  array<f32>;
@group(0) @binding(7) var<storage, read_write> out:     array<Out>;

const QUADS = TILE / 4u;
const PITCH = QUADS + 1u; // one quad of padding spreads a column over the memory banks
var<workgroup> tile_a: array<Quad, K_STEP * PITCH>; // [k][row / 4]
var<workgroup> tile_b: array<Quad, K_STEP * PITCH>; // [k][column / 4]

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let range = k_range(group.z);

  // Each invocation loads 4 neighbouring rows of A and 4 neighbouring columns of B at one k of every slice. Neighbouring
  // invocations walk along the axis that is contiguous in memory.
  let slow = lane / 16u;
  let fast = lane % 16u;
  let a_k = select(fast, slow, TRANSPOSE_A);
  let a_quad = select(slow, fast, TRANSPOSE_A);
  let b_k = select(slow, fast, TRANSPOSE_B);
  let b_quad = select(fast, slow, TRANSPOSE_B);
  let a_rows = rows_of_a(group.y * TILE + a_quad * 4u);
  let b_columns = columns_of_b(group.x * TILE + b_quad * 4u);

  var sums = mat4x4f();
  var next_a = load_a(range.x + a_k, range.y, a_rows);
  var next_b = load_b(range.x + b_k, range.y, b_columns);
  for (var k = range.x; k < range.y; k += K_STEP) {
    tile_a[a_k * PITCH + a_quad] = quad(next_a);
    tile_b[b_k * PITCH + b_quad] = quad(next_b);
    workgroupBarrier();
    next_a = load_a(k + K_STEP + a_k, range.y, a_rows);
    next_b = load_b(k + K_STEP + b_k, range.y, b_columns);
    let steps = min(K_STEP, range.y - k);
    for (var i = 0u; i < steps; i++) {
      sums += outer(floats(tile_a[i * PITCH + slow]), floats(tile_b[i * PITCH + fast]));
    }
    workgroupBarrier(); // the slices are read to the end before they are overwritten
  }
  store4x4(group.y * TILE + slow * 4u, group.x * TILE + fast * 4u, sums, group.z, mask_key());
}
