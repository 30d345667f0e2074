// reduce: the sum of partial results, in a fixed order.
//
//   out[i] (+)= Σ_p partials[p,i]
//
//   partials  [parts, count]  f32
//   out       [count]         f32  added to where ADD; where WIDE the sums are a matrix of COLUMNS columns, and out is one of
//                                  WIDTH columns, of which the sums' begin at FIRST
//
//   Grid      ⌈count·LANES/256⌉ workgroups in a line: LANES lanes for each of 256/LANES elements
//   Cost      parts·count additions
//   Numerics  f32; every lane sums the parts p ≡ lane (mod LANES) in order, then the lanes are summed in order
//   Oracle    test/oracle/reduce.ts
override LANES: u32;
override ADD: bool;
override WIDE: bool;
override COLUMNS: u32;
override WIDTH: u32;
override FIRST: u32;

struct Params { parts: u32, count: u32 }
@group(0) @binding(0) var<uniform>             params:   Params;
@group(0) @binding(1) var<storage, read>       partials: array<f32>;
@group(0) @binding(2) var<storage, read_write> out:      array<f32>;

var<workgroup> sh_sums: array<f32, 256>; // [lane][element]

@compute @workgroup_size(256)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) index: u32,
) {
  let elements = 256u / LANES;
  let element = index % elements;
  let i = (group.x + group.y * groups.x) * elements + element;
  let end = select(0u, params.parts, i < params.count);
  var sum = 0.0;
  for (var p = index / elements; p < end; p += LANES) { sum += partials[p * params.count + i]; }
  sh_sums[index] = sum;
  workgroupBarrier();
  if (index >= elements || i >= params.count) { return; }
  for (var lane = 1u; lane < LANES; lane++) { sum += sh_sums[lane * elements + element]; }
  var at = i;
  if (WIDE) { at = i / COLUMNS * WIDTH + FIRST + i % COLUMNS; }
  if (ADD) { sum += out[at]; }
  out[at] = sum;
}
