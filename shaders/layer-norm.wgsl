// layer-norm: normalise every row of a residual stream, or of two streams side by side, and watch for overflow.
//
//   out[t,i] = (x[t,i] - mean_t) · gamma[i] / √(var_t + EPS) + beta[i]        x = x1, or [x1 | x2] where PAIR; D columns
//   status[slot] = max(status[slot], max |stream word|)                        bits of |x| where not FIXED_POINT
//
//   x1, x2       [rows, SIZE]  i32  residual streams: shared/stream.wgsl
//   gamma, beta  [D]           f32  D = SIZE, or 2·SIZE where PAIR
//   out          [rows, D]     f32  or halves, two to a word, where HALVES: D is even
//   status       [64]          u32
//
//   Grid      ⌈rows/GROUP_ROWS⌉ workgroups in a line, LANES invocations per row: 4 and 64 with shared/row-sum.wgsl, 64 and 1
//             with shared/row-alone.wgsl
//   Cost      8·rows·D operations, 8·rows·D bytes; 6 where HALVES
//   Numerics  f32, two passes (mean, then biased variance); sums of strided lanes, then a tree
//   Source    Ba et al. 2016; HF modeling_reformer. Oracle: test/oracle/layer-norm.ts
override SIZE: u32;
override PAIR: bool;
override EPS: f32;
override HALVES: bool;

struct Params { rows: u32, slot: u32 }
@group(0) @binding(0) var<uniform>             params: Params;
@group(0) @binding(1) var<storage, read>       x1:     array<i32>;
@group(0) @binding(2) var<storage, read>       x2:     array<i32>;
@group(0) @binding(3) var<storage, read>       gamma:  array<f32>;
@group(0) @binding(4) var<storage, read>       beta:   array<f32>;
@group(0) @binding(5) var<storage, read_write> out:    array<Out>; // Out is f32, or u32 where HALVES
@group(0) @binding(6) var<storage, read_write> status: array<atomic<u32>>;

var<workgroup> sh_top: atomic<u32>;

fn word_at(row: u32, column: u32) -> i32 {
  if (PAIR && column >= SIZE) { return x2[row * SIZE + column - SIZE]; }
  return x1[row * SIZE + column];
}

fn normalised(row: u32, column: u32, mean: f32, scale: f32) -> f32 {
  return (stream_value(word_at(row, column)) - mean) * scale * gamma[column] + beta[column];
}

@compute @workgroup_size(GROUP)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let columns = select(SIZE, 2u * SIZE, PAIR);
  let row = (group.x + group.y * groups.x) * GROUP_ROWS + lane / LANES;
  let end = select(0u, columns, row < params.rows); // rows beyond the last have no columns
  let first = lane % LANES;

  // pass 1: mean and largest word
  var sum = 0.0;
  var top = 0u;
  for (var i = first; i < end; i += LANES) {
    let word = word_at(row, i);
    sum += stream_value(word);
    top = max(top, select(u32(word) & 0x7fffffffu, u32(abs(word)), FIXED_POINT));
  }
  atomicMax(&sh_top, top);
  let mean = row_sum(lane, vec2f(sum, 0.0)).x / f32(columns);

  // pass 2: variance
  var squares = 0.0;
  for (var i = first; i < end; i += LANES) {
    let centred = stream_value(word_at(row, i)) - mean;
    squares += centred * centred;
  }
  let scale = inverseSqrt(row_sum(lane, vec2f(squares, 0.0)).x / f32(columns) + EPS);

  // pass 3: output
  if (HALVES) {
    for (var i = 2u * first; i < end; i += 2u * LANES) {
      let pair = vec2f(normalised(row, i, mean, scale), normalised(row, i + 1u, mean, scale));
      out[(row * columns + i) / 2u] = bitcast<Out>(pack_halves(pair));
    }
  } else {
    for (var i = first; i < end; i += LANES) {
      out[row * columns + i] = bitcast<Out>(normalised(row, i, mean, scale));
    }
  }
  workgroupBarrier(); // sh_top is complete
  if (lane == 0u) { atomicMax(&status[params.slot], atomicLoad(&sh_top)); }
}
