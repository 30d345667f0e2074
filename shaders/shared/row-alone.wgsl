// Sums over rows by a workgroup of 64 invocations with a row each: no barriers, for adapters where they are slow. Stands
// in for row-sum.wgsl.
const LANES = 1u;
const GROUP_ROWS = 64u;
const GROUP = 64u; // invocations

fn row_sum(lane: u32, value: vec2f) -> vec2f {
  return value;
}
