// position-embedding-backward: the gradient of one table of positions.
//
//   dPositions[k,c] += Σ over tokens t whose position p has row k in this table of dStream[t, COLUMN + c]·v(t,c)
//   k = p div STRIDE mod COUNT: COUNT rows of the table, STRIDE positions with the same row one after the other, columns
//   from COLUMN on.  v is the dropout factor, of the plane p div PLANE_STRIDE mod PLANE_COUNT where positions are axial.
//
//   dStream       [T,E]         f32  gradient of the stream, both halves summed; T tokens of a slab from token rowOffset
//   control       [16]          u32  for seeded dropout
//   keepPosition  [B,PLANE_COUNT] or [T,E]  u32  recorded mask, 1 = kept; absent unless dropout is given
//   dPositions    [COUNT,WIDTH]  f32  added to
//
//   Grid    ⌈elements / 64⌉ in a line, one invocation per element of the table
//   Cost    reads the table's columns of dStream once
//   Numerics  f32 sums by ascending token: sequences in the batch's order, positions within
//   Source  transpose of embedding.wgsl. Prepended: threefry, control, dropout.
//           Oracle: test/oracle/position-embedding-backward.ts
override SIZE: u32;  // E
override ROWS: u32;  // positions of all tables
override COUNT: u32;
override STRIDE: u32;
override COLUMN: u32;
override WIDTH: u32;
override PLANE_COUNT: u32;
override PLANE_STRIDE: u32;
override PLANES: bool;
override DROPOUT: u32;

struct Params {
  tokens: u32,
  length: u32,
  rowOffset: u32,
  positionOffset: u32,
  positionSite: u32,
  dropoutRate: f32,
}
@group(0) @binding(0) var<uniform>             params:       Params;
@group(0) @binding(1) var<storage, read>       dStream:      array<f32>;
@group(0) @binding(2) var<storage, read>       control:      array<u32>;
@group(0) @binding(3) var<storage, read>       keepPosition: array<u32>;
@group(0) @binding(4) var<storage, read_write> dPositions:   array<f32>;

const GROUP = 64u;

@compute @workgroup_size(GROUP)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
        @builtin(local_invocation_index) lane: u32) {
  let i = (group.x + group.y * groups.x) * GROUP + lane;
  if (i >= arrayLength(&dPositions)) { return; }
  let k = i / WIDTH;
  let column = i % WIDTH + COLUMN;
  var key = vec2u();
  if (DROPOUT == DROPOUT_SEEDED) {
    let seed = vec2u(control[CONTROL_SEED], control[CONTROL_SEED + 1u]);
    key = dropout_key(seed, control[CONTROL_DRAW], params.positionSite);
  }
  let end = params.rowOffset + params.tokens;
  var sum = 0.0;
  for (var sequence = params.rowOffset / params.length; sequence * params.length < end; sequence++) {
    for (var m = 0u; m < ROWS / COUNT; m++) {
      let p = (m / STRIDE * COUNT + k) * STRIDE + m % STRIDE; // ascending, those of row k
      if (p < params.positionOffset || p >= params.positionOffset + params.length) { continue; }
      let token = sequence * params.length + p - params.positionOffset;
      if (token < params.rowOffset || token >= end) { continue; }
      let at = (token - params.rowOffset) * SIZE + column;
      let mask_row = select(token, sequence, PLANES);
      let mask_column = select(column, p / PLANE_STRIDE % PLANE_COUNT, PLANES);
      var value = dStream[at];
      if (DROPOUT == DROPOUT_SEEDED) {
        value *= dropout_factor(key, mask_row, mask_column, params.dropoutRate);
      } else if (DROPOUT == DROPOUT_GIVEN) {
        let kept = keepPosition[select(at, mask_row * PLANE_COUNT + mask_column, PLANES)];
        value *= f32(kept) / (1.0 - params.dropoutRate);
      }
      sum += value;
    }
  }
  dPositions[i] += sum;
}
