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
  for (var k = range.x; k < range.y; k += 2u) { // two terms at a time: the sums wait in memory
    let more = k + 1u < range.y; // else the second term is zero
    let at = rows + a_step(k);
    let next = rows + a_step(k + 1u);
    let y0 = load_b(columns0 + b_step(k));
    let y1 = load_b(columns1 + b_step(k));
    let z0 = select(vec4f(), load_b(columns0 + b_step(k + 1u)), more);
    let z1 = select(vec4f(), load_b(columns1 + b_step(k + 1u)), more);
    let x0 = of_quad(a[at.x]);
    let w0 = of_quad(select(0.0, a[next.x], more));
    sums00 = add_terms(sums00, x0, y0, w0, z0);
    sums01 = add_terms(sums01, x0, y1, w0, z1);
    let x1 = of_quad(a[at.y]);
    let w1 = of_quad(select(0.0, a[next.y], more));
    sums10 = add_terms(sums10, x1, y0, w1, z0);
    sums11 = add_terms(sums11, x1, y1, w1, z1);
    let x2 = of_quad(a[at.z]);
    let w2 = of_quad(select(0.0, a[next.z], more));
    sums20 = add_terms(sums20, x2, y0, w2, z0);
    sums21 = add_terms(sums21, x2, y1, w2, z1);
    let x3 = of_quad(a[at.w]);
    let w3 = of_quad(select(0.0, a[next.w], more));
    sums30 = add_terms(sums30, x3, y0, w3, z0);
    sums31 = add_terms(sums31, x3, y1, w3, z1);
  }

  let key = mask_key();
  for (var i = 0u; i < 4u; i++) { // a loop, so that the long epilogue is compiled twice only
    store4x4(row + i * 4u, column, sums00, group.z, key);
    store4x4(row + i * 4u, column + 4u, sums01, group.z, key);
    sums00 = sums10;
    sums01 = sums11;
    sums10 = sums20;
    sums11 = sums21;
    sums20 = sums30;
    sums21 = sums31;
  }
}

// sums + x yᵀ + w zᵀ, in this order.
fn add_terms(sums: mat4x4f, x: vec4f, y: vec4f, w: vec4f, z: vec4f) -> mat4x4f {
  return mat4x4f(
    sums[0] + x.x * y + w.x * z,
    sums[1] + x.y * y + w.y * z,
    sums[2] + x.z * y + w.z * z,
    sums[3] + x.w * y + w.w * z,
  );
}

// The values of the four invocations of a quad.
fn of_quad(x: f32) -> vec4f {
  return vec4f(quadBroadcast(x, 0u), quadBroadcast(x, 1u), quadBroadcast(x, 2u), quadBroadcast(x, 3u));
}

fn load_b(at: vec4u) -> vec4f {
  return vec4f(b[at.x], b[at.y], b[at.z], b[at.w]);
}
