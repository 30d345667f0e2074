// reduce, first stage: sums of the columns of a matrix over parts of its rows.
//
//   partials[p,i] = Σ x[t,i] over the rows t of part p
//
//   x         [rows, columns]   f32
//   partials  [parts, columns]  f32  parts = ⌈rows/rowsPerPart⌉
//
//   Grid      (⌈columns/64⌉, parts); 4 lanes for each of 64 columns
//   Cost      rows·columns additions
//   Numerics  f32; every lane sums the rows r ≡ lane (mod 4) of its part in order, then the 4 lanes are summed in order
//   Oracle    test/oracle/reduce.ts
struct Params { rows: u32, columns: u32, rowsPerPart: u32 }
@group(0) @binding(0) var<uniform>             params:   Params;
@group(0) @binding(1) var<storage, read>       x:        array<f32>;
@group(0) @binding(2) var<storage, read_write> partials: array<f32>;

const LANES = 4u;
const GROUP_COLUMNS = 64u;
var<workgroup> sh_sums: array<f32, LANES * GROUP_COLUMNS>; // [lane][column]

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) index: u32) {
  let column = group.x * GROUP_COLUMNS + index % GROUP_COLUMNS;
  let first = group.y * params.rowsPerPart;
  let end = select(0u, min(first + params.rowsPerPart, params.rows), column < params.columns);
  var sum = 0.0;
  for (var row = first + index / GROUP_COLUMNS; row < end; row += LANES) { sum += x[row * params.columns + column]; }
  sh_sums[index] = sum;
  workgroupBarrier();
  if (index >= GROUP_COLUMNS || column >= params.columns) { return; }
  for (var lane = 1u; lane < LANES; lane++) { sum += sh_sums[lane * GROUP_COLUMNS + index]; }
  partials[group.y * params.columns + column] = sum;
}
