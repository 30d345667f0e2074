// Sums over rows by a workgroup of 256 invocations: 64 lanes for each of 4 rows, always in the same order. Call in uniform
// control flow; every lane of the row gets the result. `lane` is the local invocation index.
const LANES = 64u;
const GROUP_ROWS = 4u;
const GROUP = 256u; // invocations
var<workgroup> sh_sums: array<vec2f, GROUP>;

fn row_sum(lane: u32, value: vec2f) -> vec2f {
  sh_sums[lane] = value;
  workgroupBarrier();
  for (var width = LANES / 2u; width > 0u; width /= 2u) {
    if (lane % LANES < width) { sh_sums[lane] += sh_sums[lane + width]; }
    workgroupBarrier();
  }
  let total = sh_sums[lane / LANES * LANES];
  workgroupBarrier(); // the next call writes the same memory
  return total;
}
