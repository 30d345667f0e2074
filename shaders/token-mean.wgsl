// token-mean: the mean of every sequence's rows over its real tokens, and back. The matrix may be cut in runs of rows.
//
//   shares   out[b,t] = mask[b,t] / Σ_t mask[b,t]              1/LENGTH where not MASKED; 0 for a sequence without tokens
//   pool     means[b,c] (+)= Σ_t shares[b,t] · x[b,t,c]        added to where ADD, else written
//   spread   dx[b,t,c] = shares[b,t] · dMeans[b,c]
//
//   mask            [batch, LENGTH]   u32  0 or 1
//   shares, out     [batch, LENGTH]   f32
//   x, dx           [rows, COLUMNS]   f32  rows rowOffset … rowOffset + rows − 1 of [batch·LENGTH, COLUMNS];
//                                          share computes all of them, whatever these two are
//   means, dMeans   [batch, COLUMNS]  f32
//
//   Grid      shares: batch workgroups; pool: ⌈COLUMNS/64⌉ × batch workgroups of 4 lanes per column; spread: ⌈elements/256⌉
//             in a line
//   Cost      2 operations and 4 bytes per element of x or dx
//   Numerics  f32; every lane of pool sums the rows t ≡ lane (mod 4) in order, then the lanes are summed in order
//   Source    mean pooling as in sentence encoders (Reimers and Gurevych 2019). Oracle: test/oracle/token-mean.ts
override LENGTH: u32;
override COLUMNS: u32;
override MASKED: bool;
override ADD: bool;

struct Params { rows: u32, rowOffset: u32 }
@group(0) @binding(0) var<uniform>             params: Params;
@group(0) @binding(1) var<storage, read>       mask:   array<u32>;
@group(0) @binding(2) var<storage, read_write> out:    array<f32>;
@group(0) @binding(1) var<storage, read>       shares: array<f32>;
@group(0) @binding(2) var<storage, read>       x:      array<f32>;
@group(0) @binding(3) var<storage, read_write> means:  array<f32>;
@group(0) @binding(2) var<storage, read>       dMeans: array<f32>;
@group(0) @binding(3) var<storage, read_write> dx:     array<f32>;

var<workgroup> sh_count: atomic<u32>;
var<workgroup> sh_sums: array<f32, 256>; // [lane][column]

@compute @workgroup_size(256)
fn share(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let first = group.x * LENGTH;
  if (MASKED) {
    var count = 0u;
    for (var t = lane; t < LENGTH; t += 256u) { count += mask[first + t]; }
    atomicAdd(&sh_count, count);
  }
  workgroupBarrier();
  let tokens = select(LENGTH, atomicLoad(&sh_count), MASKED);
  for (var t = lane; t < LENGTH; t += 256u) {
    var value = 1.0;
    if (MASKED) { value = f32(mask[first + t]); }
    out[first + t] = value / f32(max(tokens, 1u));
  }
}

@compute @workgroup_size(256)
fn pool(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) index: u32) {
  let column = group.x * 64u + index % 64u;
  let lane = index / 64u;
  let sequence = group.y * LENGTH; // row of its first token
  let first = max(sequence, params.rowOffset);
  let end = min(sequence + LENGTH, params.rowOffset + params.rows);
  var sum = 0.0;
  if (column < COLUMNS) {
    for (var row = first + lane; row < end; row += 4u) {
      sum += shares[row] * x[(row - params.rowOffset) * COLUMNS + column];
    }
  }
  sh_sums[index] = sum;
  workgroupBarrier();
  if (lane > 0u || column >= COLUMNS) { return; }
  for (var other = 1u; other < 4u; other++) { sum += sh_sums[other * 64u + index]; }
  let i = group.y * COLUMNS + column;
  if (ADD) { sum += means[i]; }
  means[i] = sum;
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
  dx[i] = shares[row] * dMeans[row / LENGTH * COLUMNS + i % COLUMNS];
}
