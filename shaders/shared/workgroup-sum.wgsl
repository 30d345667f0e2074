// Sum and maximum over a workgroup of WG invocations (a power of two), always in the same order. Call them in uniform
// control flow; every invocation gets the result.
override WG: u32;
var<workgroup> sh_values: array<f32, WG>;

fn workgroup_sum(lane: u32, value: f32) -> f32 {
  sh_values[lane] = value;
  workgroupBarrier();
  for (var width = WG / 2u; width > 0u; width /= 2u) {
    if (lane < width) { sh_values[lane] += sh_values[lane + width]; }
    workgroupBarrier();
  }
  let total = sh_values[0];
  workgroupBarrier(); // the next call writes the same memory
  return total;
}

fn workgroup_max(lane: u32, value: f32) -> f32 {
  sh_values[lane] = value;
  workgroupBarrier();
  for (var width = WG / 2u; width > 0u; width /= 2u) {
    if (lane < width) { sh_values[lane] = max(sh_values[lane], sh_values[lane + width]); }
    workgroupBarrier();
  }
  let top = sh_values[0];
  workgroupBarrier(); // the next call writes the same memory
  return top;
}
