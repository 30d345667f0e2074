// reduce: sums of partial results, in a fixed order, for up to five neighbours in memory.
//
//   out_s[i] (+)= Σ_p partials_s[p,i]        s = 0 ... SETS - 1; sets of no parts are left as they are
//
//   partials  SETS × [parts_s, count_s]  f32  one set behind the other, each from a multiple of ALIGN elements on
//   out       SETS × [count_s]           f32  likewise; added to where ADD. Where WITHIN there is one set, of a matrix of
//                                             `columns` columns, and out has `width`, of which the sums' begin at `first`
//
//   Grid      workgroups in a line, for every set ⌈count·lanes/256⌉: each element has one lane, or LANES from MANY parts on
//   Cost      Σ parts·count additions
//   Numerics  f32; every lane sums the parts p ≡ lane (mod lanes) in order, then the lanes are summed in order
//   Oracle    test/oracle/reduce.ts
override LANES: u32;
override MANY: u32;
override ALIGN: u32;
override ADD: bool;
override WITHIN: bool;

struct Params {
  parts0: u32, count0: u32,
  parts1: u32, count1: u32,
  parts2: u32, count2: u32,
  parts3: u32, count3: u32,
  parts4: u32, count4: u32,
  columns: u32, width: u32, first: u32,
}
@group(0) @binding(0) var<uniform>             params:   Params;
@group(0) @binding(1) var<storage, read>       partials: array<f32>;
@group(0) @binding(2) var<storage, read_write> out:      array<f32>;

const SETS = 5u;
var<workgroup> sh_sums: array<f32, 256>; // [lane][element]

// Parts and count of a set.
fn set_at(s: u32) -> vec2u {
  switch (s) {
    case 0u: { return vec2u(params.parts0, params.count0); }
    case 1u: { return vec2u(params.parts1, params.count1); }
    case 2u: { return vec2u(params.parts2, params.count2); }
    case 3u: { return vec2u(params.parts3, params.count3); }
    default: { return vec2u(params.parts4, params.count4); }
  }
}

fn aligned(length: u32) -> u32 {
  return (length + ALIGN - 1u) / ALIGN * ALIGN;
}

// Lanes of each element.
fn lanes_of(size: vec2u) -> u32 {
  return select(1u, LANES, size.x >= MANY);
}

fn groups_of(size: vec2u) -> u32 {
  return select((size.y * lanes_of(size) + 255u) / 256u, 0u, size.x == 0u);
}

@compute @workgroup_size(256)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) index: u32,
) {
  // The set of this workgroup, and where it lies. A group beyond the last set finds no elements.
  var own = group.x + group.y * groups.x;
  var s = 0u;
  var partials_at = 0u;
  var out_at = 0u;
  var size = set_at(0u);
  while (s + 1u < SETS && own >= groups_of(size)) {
    own -= groups_of(size);
    partials_at += aligned(size.x * size.y);
    out_at += aligned(size.y);
    s++;
    size = set_at(s);
  }

  let lanes = lanes_of(size);
  let elements = 256u / lanes;
  let element = index % elements;
  let i = own * elements + element;
  let end = select(0u, size.x, i < size.y);
  var sum = 0.0;
  for (var p = index / elements; p < end; p += lanes) { sum += partials[partials_at + p * size.y + i]; }
  sh_sums[index] = sum;
  workgroupBarrier();
  if (index >= elements || end == 0u) { return; }
  for (var lane = 1u; lane < lanes; lane++) { sum += sh_sums[lane * elements + element]; }
  var at = out_at + i;
  if (WITHIN) { at = i / params.columns * params.width + params.first + i % params.columns; }
  if (ADD) { sum += out[at]; }
  out[at] = sum;
}
