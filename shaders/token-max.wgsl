// token-max: the largest of every column over a sequence's real tokens, and back. The matrix may be cut in runs of rows.
//
//   pool     maxima[b,c] = max_t x[b,t,c],  places[b,c] = the first row t of it     over mask[b,t] = 1, and over what is
//                                                                                   there already where ADD
//   spread   dx[b,t,c] = dMaxima[b,c] where places[b,c] is this row, else 0
//
//   mask     [batch, LENGTH]   u32  0 or 1; all count where not MASKED
//   x, dx    [rows, COLUMNS]   f32  rows rowOffset … rowOffset + rows − 1 of [batch·LENGTH, COLUMNS]
//   maxima, dMaxima  [batch, COLUMNS]  f32  0 for a sequence without tokens
//   places   [batch, COLUMNS]  u32  row of [batch·LENGTH], NONE for a sequence without tokens
//
//   Grid      pool: ⌈COLUMNS/64⌉ × batch workgroups of 4 lanes per column; spread: ⌈elements/256⌉ in a line
//   Cost      1 operation and 4 bytes per element of x or dx
//   Numerics  copies bits; equal values: the first row
//   Source    max pooling over time (Collobert and Weston 2008). Oracle: test/oracle/token-max.ts
override LENGTH: u32;
override COLUMNS: u32;
override MASKED: bool;
override ADD: bool;

const LOWEST = -3.4028234e38;
const NONE = 0xffffffffu;

struct Params { rows: u32, rowOffset: u32 }
@group(0) @binding(0) var<uniform>             params:  Params;
@group(0) @binding(1) var<storage, read>       mask:    array<u32>;
@group(0) @binding(2) var<storage, read>       x:       array<f32>;
@group(0) @binding(3) var<storage, read_write> maxima:  array<f32>;
@group(0) @binding(4) var<storage, read_write> places:  array<u32>;
@group(0) @binding(1) var<storage, read>       dMaxima: array<f32>;
@group(0) @binding(2) var<storage, read>       rows:    array<u32>;
@group(0) @binding(3) var<storage, read_write> dx:      array<f32>;

var<workgroup> sh_maxima: array<f32, 256>; // [lane][column]
var<workgroup> sh_places: array<u32, 256>;

@compute @workgroup_size(256)
fn pool(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) index: u32) {
  let column = group.x * 64u + index % 64u;
  let lane = index / 64u;
  let sequence = group.y * LENGTH; // row of its first token
  let first = max(sequence, params.rowOffset);
  let end = min(sequence + LENGTH, params.rowOffset + params.rows);
  var most = LOWEST;
  var place = NONE;
  if (column < COLUMNS) {
    for (var row = first + lane; row < end; row += 4u) {
      if (MASKED && mask[row] == 0u) { continue; }
      let value = x[(row - params.rowOffset) * COLUMNS + column];
      if (place == NONE || value > most) {
        most = value;
        place = row;
      }
    }
  }
  sh_maxima[index] = most;
  sh_places[index] = place;
  workgroupBarrier();
  if (lane > 0u || column >= COLUMNS) { return; }
  for (var other = 1u; other < 4u; other++) {
    let value = sh_maxima[other * 64u + index];
    let row = sh_places[other * 64u + index];
    if (row != NONE && (place == NONE || value > most || (value == most && row < place))) {
      most = value;
      place = row;
    }
  }
  let i = group.y * COLUMNS + column;
  // Rows come in order: what is there already is of earlier ones.
  if (ADD && places[i] != NONE && (place == NONE || maxima[i] >= most)) { return; }
  maxima[i] = select(most, 0.0, place == NONE);
  places[i] = place;
}

@compute @workgroup_size(256)
fn spread(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.x + group.y * groups.x) * 256u + lane;
  if (i >= params.rows * COLUMNS) { return; }
  let row = params.rowOffset + i / COLUMNS;
  let at = row / LENGTH * COLUMNS + i % COLUMNS;
  dx[i] = select(0.0, dMaxima[at], rows[at] == row);
}
