// matmul, form for adapters that are CPUs with subgroups: 4 neighbouring invocations share 16 rows, of which each loads
// every fourth and hands it to the others, and sum 16 × 8 elements each in registers. Loads are what such adapters wait for.
//
//   Grid       (⌈n/64⌉, ⌈m/64⌉, splits); 32 invocations: 4 × 2 quads of 16 × 32 elements, no workgroup memory
//   Needs      `enable subgroups;` first, and quads of invocations with neighbouring local indices
//   Numerics   f32; every element sums its terms one by one in order of k, as in the plain form
// The specification (equation, shapes, cost, oracle) is in matmul.wgsl.
@group(0) @binding(0) var<uniform>             params:  Params;
@group(0) @binding(1) var<storage, read>       a:       array<f32>;
@group(0) @binding(2) var<storage, read>       b:       array<f32>;
@group(0) @binding(3) var<storage, read>       bias:    array<f32>;
@group(0) @binding(4) var<storage, read>       keep:    array<u32>;
@group(0) @binding(5) var<storage, read>       control: array<u32>;
@group(0) @binding(6) var<storage, read>       before:  array<f32>;
@group(0) @binding(7) var<storage, read_write> out:     array<Out>;

@compute @workgroup_size(32)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let range = k_range(group.z);
  let place = lane % 4u;
  let row = group.y * TILE + lane / 8u * 16u;
  let column = group.x * TILE + lane / 4u % 2u * 32u + place * 8u;
  let first = row + place;
  let rows = vec4u(a_row(first), a_row(first + 4u), a_row(first + 8u), a_row(first + 12u));
  let columns0 = vec4u(b_column(column), b_column(column + 1u), b_column(column + 2u), b_column(column + 3u));
  let columns1 = vec4u(b_column(column + 4u), b_column(column + 5u), b_column(column + 6u), b_column(column + 7u));

  var sums00 = mat4x4f();
  var sums01 = mat4x4f();
  var sums10 = mat4x4f();
  var sums11 = mat4x4f();
  var sums20 = mat4x4f();
  var sums21 = mat4x4f();
  var sums30 = mat4x4f();
  var sums31 = mat4x4f();
  for (var k = range.x; k < range.y; k++) {
    let at = rows + a_step(k);
    let y0 = load_b(columns0 + b_step(k));
    let y1 = load_b(columns1 + b_step(k));
    let x0 = of_quad(a[at.x]);
    sums00 += outer(x0, y0);
    sums01 += outer(x0, y1);
    let x1 = of_quad(a[at.y]);
    sums10 += outer(x1, y0);
    sums11 += outer(x1, y1);
    let x2 = of_quad(a[at.z]);
    sums20 += outer(x2, y0);
    sums21 += outer(x2, y1);
    let x3 = of_quad(a[at.w]);
    sums30 += outer(x3, y0);
    sums31 += outer(x3, y1);
  }

  let key = mask_key();
  for (var i = 0u; i < 8u; i++) { // a loop, so that the long epilogue is compiled once
    var parts = array<mat4x4f, 8>(sums00, sums01, sums10, sums11, sums20, sums21, sums30, sums31);
    store4x4(row + i / 2u * 4u, column + i % 2u * 4u, parts[i], group.z, key);
  }
}

// The values of the four invocations of a quad.
fn of_quad(x: f32) -> vec4f {
  return vec4f(quadBroadcast(x, 0u), quadBroadcast(x, 1u), quadBroadcast(x, 2u), quadBroadcast(x, 3u));
}

fn load_b(at: vec4u) -> vec4f {
  return vec4f(b[at.x], b[at.y], b[at.z], b[at.w]);
}
