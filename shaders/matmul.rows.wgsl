// matmul, form for a few rows (decoding): 8 lanes share the sum of a column of 4 rows, so that no lane works on rows that
// are not there.
//
//   Grid       (⌈n/8⌉, ⌈m/4⌉, splits)
//   Workgroup  64 invocations, 1 KiB
//   Numerics   f32; every lane sums the terms k ≡ lane (mod 8) in order, then a tree of the 8 lanes
// The specification (equation, shapes, cost, oracle) is in matmul.wgsl.
@group(0) @binding(0) var<uniform>             params:  Params;
@group(0) @binding(1) var<storage, read>       a:       array<f32>;
@group(0) @binding(2) var<storage, read>       b:       array<f32>;
@group(0) @binding(3) var<storage, read>       bias:    array<f32>;
@group(0) @binding(4) var<storage, read>       keep:    array<u32>;
@group(0) @binding(5) var<storage, read>       control: array<u32>;
@group(0) @binding(6) var<storage, read>       before:  array<f32>;
@group(0) @binding(7) var<storage, read_write> out:     array<Out>;

const LANES = 8u;
var<workgroup> sh_sums: array<vec4f, 64>; // [column][lane], one component per row

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) index: u32) {
  let range = k_range(group.z);
  let lane = index % LANES;
  let row = group.y * 4u;
  let column = group.x * 8u + index / LANES;
  let rows = vec4u(a_row(row), a_row(row + 1u), a_row(row + 2u), a_row(row + 3u));
  let b_at = b_column(column);

  var sums = vec4f();
  for (var k = range.x + lane; k < range.y; k += LANES) {
    let at = rows + a_step(k);
    sums += vec4f(a[at.x], a[at.y], a[at.z], a[at.w]) * b[b_at + b_step(k)];
  }
  sh_sums[index] = sums;
  workgroupBarrier();
  for (var width = LANES / 2u; width > 0u; width /= 2u) {
    if (lane < width) { sh_sums[index] += sh_sums[index + width]; }
    workgroupBarrier();
  }
  // Each of the first 4 lanes finishes one row.
  if (lane < 4u) { store(row + lane, column, sh_sums[index - lane][lane], group.z, mask_key()); }
}
